"""Opening a session by the name of its runtime. Loads torch and the runtime only when one is opened."""

import importlib
from typing import TYPE_CHECKING

from suite.protocols.setups import Offer, offers
from suite.runtimes.common.contract import Options, RuntimeUnfitError, Session

if TYPE_CHECKING:
    from torch import Tensor

    from suite.nn.network import Detector


def open_session(runtime: str, model: "Detector", options: Options, images: "Tensor") -> Session:
    """Open a network in a runtime, ready to be run and timed on images of one shape.

        session = open_session("onnxruntime", deploy(model), Options(threads=4), images)
        prepared = session.prepare(images)
        predictions = session.run(prepared)     # (B, N, 5 + classes), boxes in pixels
        session.time(prepared).wall_ms

    Nothing is proved yet: `suite.runtimes.common.proof.open_proved` also compares with eager mode.

    Args:
        runtime: a file of this package, such as "eager"; one of its modes follows after a "+".
        model: deployed, and a copy of your own: it is moved to the device and cast.
        options: device, precision and threads.
        images: (B, 3, H, W) float32 in 0..1. Their shape is the session's; int8 is calibrated on them.

    Raises:
        RuntimeUnfitError: the runtime, the device or the precision is not to be had here.
    """
    name, _, mode = runtime.partition("+")
    offer = offers().get(name)
    if offer is None:
        raise RuntimeUnfitError(f"no runtime '{name}'; there are: {', '.join(offers())}")
    mode = mode or offer.modes[0]
    _require_offer(offer, mode, options)
    _require_here(offer, options)
    file = importlib.import_module(f"suite.runtimes.{name}")
    session: Session = file.open(model, options, mode, images)
    return session


def _require_offer(offer: Offer, mode: str, options: Options) -> None:
    name, precisions = offer.name, offer.precisions
    if mode not in offer.modes:
        raise RuntimeUnfitError(f"{name}: no mode '{mode}'; there are: {', '.join(offer.modes)}")
    if options.kind not in precisions:
        raise RuntimeUnfitError(
            f"{name}: no device '{options.device}'; it runs on: {', '.join(precisions)}"
        )
    if options.precision not in precisions[options.kind]:
        offered = ", ".join(precisions[options.kind])
        raise RuntimeUnfitError(
            f"{name}: no precision '{options.precision}' on {options.kind}; there are: {offered}"
        )


def _require_here(offer: Offer, options: Options) -> None:
    import torch

    if offer.lacking:
        raise RuntimeUnfitError(f"{offer.name}: {offer.lacking}")
    if options.kind == "cuda" and not torch.cuda.is_available():
        raise RuntimeUnfitError(f"{offer.name}: no device '{options.device}' here; there is: cpu")

"""Ways to run a Detector: one file each, found by name, each with `open(model, options, mode, images) -> Session`.

The literals at the top of a file say what it offers (`suite.protocols.setups`): `PRECISIONS` by kind of device,
`MODES`, and the `MODULES` and `PROGRAMS` that it needs. What several runtimes share lies in `common`.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from suite.protocols.setups import Offer, offers
from suite.record import Json

if TYPE_CHECKING:
    from torch import Tensor

    from suite.nn.network import Detector


@dataclass(frozen=True, slots=True)
class Timing:
    """One call: time on the clock of the device that did the work, and processor time of this process."""

    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Options:
    """How a session runs. `device` is "cpu", "cuda" or "cuda:N"; `precision` is fp32, tf32, fp16, bf16 or int8."""

    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1

    @property
    def kind(self) -> str:
        """The kind of device."""
        return self.device.partition(":")[0]


class Session(Protocol):
    """A deployed Detector made ready to run in one runtime."""

    @property
    def settings(self) -> Mapping[str, Json]:
        """What a measurement must state of this session: runtime, device, precision, threads, what else is chosen."""
        ...

    def prepare(self, images: "Tensor") -> "Tensor":
        """Images (B, 3, H, W) float32 in 0..1 as `run` wants them: on the device, in the precision."""
        ...

    def run(self, prepared: "Tensor") -> "Tensor":
        """Decoded predictions (B, N, 5 + classes), perhaps still being computed; the next call may overwrite them."""
        ...

    def time(self, prepared: "Tensor") -> Timing:
        """Run once and time it, to the end of the device's work."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has finished."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


class MismatchError(RuntimeError):
    """A session whose predictions are not the network's."""

    code = "unequal"


class RuntimeUnfitError(RuntimeError):
    """A runtime, device or precision that this machine does not have."""


def open_session(runtime: str, model: "Detector", options: Options, images: "Tensor") -> Session:
    """Open `model` in the runtime of that name, for images of the shape of `images` (B, 3, H, W).

    A mode follows the name after a "+". The model itself is moved and cast: hand over one of your own.

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

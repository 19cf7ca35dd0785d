"""`torch.compile`: one graph without a break, shapes fixed, weights frozen into it."""

from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.runtimes import Options, Session
from suite.runtimes.common.place import inferring, pinned_clock, placed, placer
from suite.runtimes.common.session import Call, CallSession, stated

PRECISIONS = {"cpu": ("fp32", "bf16"), "cuda": ("fp32", "tf32", "fp16", "bf16")}
MODES = ("default", "max_autotune")
MODULES: dict[str, str] = {}
PROGRAMS = {"g++": "apt-get install g++"}


def open(model: Detector, options: Options, mode: str, _images: Tensor) -> Session:  # noqa: A001
    """The first run compiles, which takes from seconds to minutes; a graph that breaks is an error."""
    clock = pinned_clock(options)
    network = placed(model, options)
    chosen: dict[str, Any] = {"freezing": True}
    if mode == "max_autotune":
        chosen |= torch._inductor.list_mode_options("max-autotune")  # noqa: SLF001  (documented under this name)
    compiled = torch.compile(_own_code(network), fullgraph=True, dynamic=False, options=chosen)
    settings = stated(
        "compiled", options, "" if mode == "default" else mode, channels_last=True, freezing=True
    )
    return CallSession(settings, clock, placer(options), inferring(compiled))


def _own_code(network: Detector) -> Call:
    """A function whose code no other session has: torch keeps compilations by code, and only eight of each."""

    def predict(images: Tensor) -> Tensor:
        return network.predict(images)

    code = predict.__code__.replace()
    call: Call = FunctionType(code, predict.__globals__, closure=predict.__closure__)
    return call

"""PyTorch as it is: no compilation, one kernel after the other."""

from torch import Tensor

from suite.nn.network import Detector
from suite.runtimes import Options, Session
from suite.runtimes.common.place import inferring, pinned_clock, placed, placer
from suite.runtimes.common.session import CallSession, stated

PRECISIONS = {"cpu": ("fp32", "bf16", "fp16"), "cuda": ("fp32", "tf32", "fp16", "bf16")}
MODES = ("channels_last", "contiguous")
MODULES: dict[str, str] = {}
PROGRAMS: dict[str, str] = {}


def open(model: Detector, options: Options, mode: str, _images: Tensor) -> Session:  # noqa: A001  (every runtime's name)
    """Pins threads and the flushing of denormals on the CPU; no TF32 unasked and tuned algorithms on CUDA."""
    channels_last = mode == "channels_last"
    clock = pinned_clock(options)
    settings = stated("eager", options, "" if channels_last else mode, channels_last=channels_last)
    network = placed(model, options, channels_last=channels_last)
    return CallSession(
        settings, clock, placer(options, channels_last=channels_last), inferring(network.predict)
    )

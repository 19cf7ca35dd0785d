"""Ways to run a Detector: one file each, found by name, each with `open(model, ...) -> Session`."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

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
    """How a session runs. `device` is "cpu", "cuda" or "cuda:N"; `precision` is fp32, fp16 or bf16."""

    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1
    channels_last: bool = True


class Session(Protocol):
    """A deployed Detector made ready to run in one runtime."""

    @property
    def settings(self) -> Mapping[str, Json]:
        """What a measurement must state of this session: runtime, device, precision, threads, memory format."""
        ...

    def prepare(self, images: "Tensor") -> "Tensor":
        """Images (B, 3, H, W) float32 in 0..1 as `run` wants them: on the device, in the precision."""
        ...

    def run(self, prepared: "Tensor") -> "Tensor":
        """Decoded predictions (B, N, 5 + classes), perhaps still being computed."""
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


def open_session(runtime: str, model: "Detector", options: Options) -> Session:
    """Open `model` in the runtime of that name.

    Raises:
        RuntimeUnfitError: the runtime, the device or the precision is not to be had here.
    """
    if importlib.util.find_spec(f"suite.runtimes.{runtime}") is None:
        raise RuntimeUnfitError(f"no runtime '{runtime}'; there is: eager")
    session: Session = importlib.import_module(f"suite.runtimes.{runtime}").open(
        model,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        channels_last=options.channels_last,
    )
    return session


class RuntimeUnfitError(RuntimeError):
    """A runtime, device or precision that this machine does not have."""

"""What a runtime gives: a session, and the errors that say why there is none. Loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from suite.record import Json

if TYPE_CHECKING:
    from torch import Tensor


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

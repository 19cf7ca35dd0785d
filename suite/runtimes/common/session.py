"""A session around one call, and the clock of the device that does the work."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from suite.record import Json
from suite.runtimes.common.contract import Options, Timing

Call: TypeAlias = Callable[[Tensor], Tensor]


class Clock(Protocol):
    """Times work on one device."""

    def time(self, work: Callable[[], object]) -> Timing:
        """Do the work once, to its end."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has finished."""
        ...

    def release(self) -> None:
        """Give back the memory that is kept for later."""
        ...


class CpuClock:
    """The processor's: by the time a call returns, its work is done."""

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._wall, self._cpu = wall, cpu

    def time(self, work: Callable[[], object]) -> Timing:
        """Wall and processor time."""
        wall, cpu = self._wall(), self._cpu()
        work()
        return Timing(wall_ms=1000 * (self._wall() - wall), cpu_ms=1000 * (self._cpu() - cpu))

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def release(self) -> None:
        """Nothing is kept."""


class CudaClock:
    """A GPU's; `cuda` is the module `torch.cuda`, or a stand-in with its events."""

    def __init__(self, cuda: Any, *, cpu: Callable[[], float] = time.process_time) -> None:
        self._cuda, self._cpu = cuda, cpu

    def time(self, work: Callable[[], object]) -> Timing:
        """Time between two events on the GPU's own clock, and the processor time it took to feed it."""
        self.synchronize()  # the GPU may still be busy with the call before
        start, end = self._cuda.Event(enable_timing=True), self._cuda.Event(enable_timing=True)
        cpu = self._cpu()
        start.record()
        work()
        end.record()
        fed = self._cpu() - cpu
        self.synchronize()
        return Timing(wall_ms=start.elapsed_time(end), cpu_ms=1000 * fed)

    def synchronize(self) -> None:
        """Wait for the GPU."""
        self._cuda.synchronize()

    def release(self) -> None:
        """Free what torch's allocator holds."""
        self._cuda.empty_cache()


class CallSession:
    """A session whose runtime is one call; `prepare` makes images into what the call takes."""

    def __init__(
        self, settings: Mapping[str, Json], clock: Clock, prepare: Call, call: Call
    ) -> None:
        self.settings: Mapping[str, Json] = settings
        self._clock = clock
        self._prepare = prepare
        self._call: Call | None = call

    def prepare(self, images: Tensor) -> Tensor:
        """Images as `run` wants them."""
        return self._prepare(images)

    def run(self, prepared: Tensor) -> Tensor:
        """Decoded predictions."""
        assert self._call is not None, "the session is closed"
        return self._call(prepared)

    def time(self, prepared: Tensor) -> Timing:
        """Run once and time it."""
        return self._clock.time(lambda: self.run(prepared))

    def synchronize(self) -> None:
        """Wait until the device has finished."""
        self._clock.synchronize()

    def close(self) -> None:
        """Let go of the network and of memory that is kept for it."""
        self._call = None
        self._clock.release()


def stated(runtime: str, options: Options, mode: str, **more: Json) -> dict[str, Json]:
    """The settings of a session, with `more` of the runtime's own.

    `mode` is "" where a runtime has one only, or runs in its first.
    """
    settings: dict[str, Json] = {
        "runtime": f"{runtime}+{mode}" if mode else runtime,
        "device": options.device,
        "precision": options.precision,
        "threads": options.threads,
        **more,
    }
    if options.precision == "int8":
        settings["calibration"] = "least and largest values on the images that it was opened with"
    if options.kind == "cuda":
        settings["device_name"] = torch.cuda.get_device_name(options.device)
    return settings

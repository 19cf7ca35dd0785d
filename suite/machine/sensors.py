"""What a round of timing is watched with: load, foreign work, stolen time and clock of the processor."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import psutil

from suite.machine import cpu_times

Readings: TypeAlias = dict[str, float]
"""Numbers by name; what a machine does not tell is absent."""

_PROC = Path("/proc")


class Sensor(Protocol):
    """Something that is asked before and after each round."""

    def start(self) -> None:
        """A round begins."""
        ...

    def stop(self) -> Readings:
        """A round has ended; what happened since `start`."""
        ...


class Sensors:
    """Several sensors as one."""

    def __init__(self, parts: Sequence[Sensor]) -> None:
        self._parts = tuple(parts)

    def start(self) -> None:
        """Start all of them."""
        for part in self._parts:
            part.start()

    def stop(self) -> Readings:
        """What all of them saw."""
        return {name: value for part in self._parts for name, value in part.stop().items()}


class CpuSensor:
    """`load`: average of the last minute; `others`: cores that other processes kept busy; `steal`: share of all
    cores' time that the host took away; `mhz`: mean clock of the cores.

    Args:
        proc: the folder /proc.
        wall: seconds of the wall clock.
        own: seconds of processor time of this process.
        mhz: the clock now, None where it is not told.
    """

    def __init__(
        self,
        proc: Path = _PROC,
        *,
        wall: Callable[[], float] = time.perf_counter,
        own: Callable[[], float] = time.process_time,
        mhz: Callable[[], float | None] | None = None,
    ) -> None:
        self._proc, self._wall, self._own = proc, wall, own
        self._mhz = mhz or _clock
        self._cores = os.cpu_count() or 1
        self.start()

    def start(self) -> None:
        """Read the counters."""
        self._before = cpu_times(self._proc), self._wall(), self._own()

    def stop(self) -> Readings:
        """What the counters have gone up by. The kernel counts in hundredths of a second, so short rounds are rough."""
        before, wall, own = self._before
        after, passed = cpu_times(self._proc), self._wall() - wall
        own_cores = (self._own() - own) / passed if passed else 0.0
        readings: Readings = {"load": os.getloadavg()[0]}
        if before and after and after.total > before.total:
            total, steal = after.total - before.total, after.steal - before.steal
            busy = self._cores * (1 - (after.idle - before.idle + steal) / total)
            readings |= {"others": max(0.0, busy - own_cores), "steal": steal / total}
        clock = self._mhz()
        return readings if clock is None else readings | {"mhz": clock}


def _clock() -> float | None:
    found = psutil.cpu_freq()
    return float(found.current) if found else None

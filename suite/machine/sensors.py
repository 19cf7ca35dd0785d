"""What a round of timing is watched with: load, foreign work, stolen time and clock of the processor."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import psutil

from suite.machine.load import ReadTimes, cpu_times

Readings: TypeAlias = dict[str, float]
"""Numbers by name; what a machine does not tell is absent."""


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
        read: the counters of all cores.
        wall: seconds of the wall clock.
        process: seconds of processor time of this process.
        mhz: the clock now, None where it is not told.
    """

    def __init__(
        self,
        *,
        read: ReadTimes = cpu_times,
        wall: Callable[[], float] = time.perf_counter,
        process: Callable[[], float] = time.process_time,
        mhz: Callable[[], float | None] | None = None,
    ) -> None:
        self._read, self._wall, self._process = read, wall, process
        self._mhz = mhz or _clock
        self._cores = os.cpu_count() or 1
        self.start()

    def start(self) -> None:
        """Read the counters."""
        self._before = self._read(), self._wall(), self._process()

    def stop(self) -> Readings:
        """What the counters have gone up by. The kernel counts in hundredths of a second, so short rounds are rough."""
        before, wall, process = self._before
        after, passed = self._read(), self._wall() - wall
        own_cores = (self._process() - process) / passed if passed else 0.0
        readings: Readings = {"load": os.getloadavg()[0]}
        if before and after and after.total > before.total:
            total, steal = after.total - before.total, after.steal - before.steal
            busy = self._cores * (1 - (after.idle - before.idle + steal) / total)
            readings |= {"others": max(0.0, busy - own_cores), "steal": steal / total}
        clock = self._mhz()
        return readings if clock is None else readings | {"mhz": clock}


def _clock() -> float | None:
    frequency = psutil.cpu_freq()
    return float(frequency.current) if frequency else None

"""How busy the processor is, from the counters of the kernel."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import psutil

_BUSY_ALLOWED = 0.10
_STEAL_ALLOWED = 0.01


@dataclass(frozen=True, slots=True)
class Load:
    """Shares (0 to 1) of all cores' time since an earlier reading, and the load average of the last minute.

    The shares are None where the system does not say.
    """

    average: float
    busy: float | None
    steal: float | None


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since boot, added up over all cores. `steal` is what the host of a virtual machine took away."""

    total: float
    idle: float
    steal: float


ReadTimes: TypeAlias = Callable[[], CpuTimes | None]


def cpu_times() -> CpuTimes | None:
    """The counters of all cores together; None where the system has none."""
    try:
        times = psutil.cpu_times()
    except OSError:  # a sandbox without /proc
        return None
    # guests' time is within `user` and `nice` already; what a system does not count is 0
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    seconds = {name: float(getattr(times, name, 0.0)) for name in names}
    idle = seconds["idle"] + seconds["iowait"]
    return CpuTimes(sum(seconds.values()), idle, seconds["steal"])


def load_since(before: CpuTimes | None, *, read: ReadTimes = cpu_times) -> Load:
    """How busy the cores were since the reading `before`."""
    after, average = read(), os.getloadavg()[0]
    if before is None or after is None or after.total == before.total:
        return Load(average, None, None)
    total = after.total - before.total
    idle = after.idle - before.idle
    return Load(average, 1 - idle / total, (after.steal - before.steal) / total)


def unrest(
    seconds: float = 0.5,
    *,
    sleep: Callable[[float], None] = time.sleep,
    read: ReadTimes = cpu_times,
) -> tuple[str, ...]:
    """Why timings taken now would be disturbed; empty on an idle machine. Watches the cores for `seconds`."""
    before = read()
    sleep(seconds)
    load = load_since(before, read=read)
    reasons = []
    if load.busy is not None and load.busy > _BUSY_ALLOWED:
        reasons.append(f"the cores are {load.busy:.0%} busy; allowed {_BUSY_ALLOWED:.0%}")
    if load.steal is not None and load.steal > _STEAL_ALLOWED:
        reasons.append(
            f"the host takes {load.steal:.0%} of the time away; allowed {_STEAL_ALLOWED:.0%}"
        )
    return tuple(reasons)

"""How many threads may be timed: all cores only where nothing else runs on them."""

import os
from typing import Literal

from suite import machine

AUTO: Literal["auto"] = "auto"


def usable_cores() -> int:
    """Cores that this process may use: its affinity, and no more than a container allows."""
    limits = machine.describe()["container"]
    quota = limits.get("cores") if isinstance(limits, dict) else None
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(allowed, int(quota))) if isinstance(quota, int | float) else allowed


def settle(wanted: "int | Literal['auto']") -> tuple[int, str]:
    """The number of threads, and why it is not all of them ("" if nothing was to be decided, or all are free).

    OpenMP's threads wait for each other: beside one busy process a pass on all cores can take a hundred times as long,
    so that "auto" means one thread unless the cores are idle.
    """
    if wanted != AUTO:
        return wanted, ""
    reasons = machine.unrest()
    return (1, f"one thread: {'; '.join(reasons)}") if reasons else (usable_cores(), "")

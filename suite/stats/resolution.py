"""What a machine can tell apart, from identical copies of a network that were timed as if they were two networks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from suite.stats.intervals import SINGLE_PROCESS_FLOOR

Admission = Literal["admitted", "admitted with a wider floor", "refused"]
REFUSED_FROM = 5.0
"""Times the floor: a machine that cannot see that much is of no use."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Differences below `value` (a fraction) cannot be seen; `processes` is how many copies that is known from."""

    value: float
    processes: int
    worst: float  # the largest difference of one copy in one process


def resolution(copies: Sequence[float], *, together: int, level: float = 0.95) -> Resolution | None:
    """The least difference that stands out of what identical copies differ by; None without copies.

    The true logarithm is 0, so the copies' scatter is their root mean square, with as many degrees
    of freedom as there are copies; the bound is Student's t for a mean over `together` of them. It
    is never below `SINGLE_PROCESS_FLOOR` over the root of `together`, as the interval of a ratio is
    not.

    Args:
        copies: for each process, the median over its rounds of log(copy / base).
        together: over how many processes a ratio is averaged.
        level: of the bound.
    """
    if not copies:
        return None
    values = np.asarray(copies, dtype=float)
    scatter = float(np.sqrt(np.mean(values**2)))
    quantile = float(stats.t.ppf((1 + level) / 2, len(values)))
    reach = max(quantile * scatter, SINGLE_PROCESS_FLOOR) / math.sqrt(together)
    return Resolution(math.expm1(reach), len(values), math.expm1(float(np.abs(values).max())))


def admission(seen: Resolution, floor: float) -> Admission:
    """Whether differences from `floor` on can be seen, only larger ones, or hardly any."""
    if seen.value <= floor:
        return "admitted"
    return "admitted with a wider floor" if seen.value <= REFUSED_FROM * floor else "refused"

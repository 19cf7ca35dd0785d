"""What a comparison could have shown: its power, and the units (seeds, processes) that would settle it.

The t test finds a true difference d with probability P(|T| > t(1 - a/2, ν)), where T has the
noncentral t distribution with noncentrality d / SE (Cohen 1988, chapter 2).
"""

import math
from bisect import bisect_left
from dataclasses import dataclass

from scipy import special

from suite.stats.intervals import Estimate

SIGNIFICANCE = 0.05
POWER = 0.8
MOST_UNITS = 1000
_NORMAL = 1e6  # degrees of freedom from which t is the normal distribution
# noncentralities from which the wrong sign, and then any doubt, is below 1e-8
_NEVER, _SURE = 5.0, 30.0


@dataclass(frozen=True, slots=True)
class Power:
    """The chance that such a run excludes "no difference", if the truth is the floor, and if it is the estimate."""

    floor: float
    seen: float


def power(estimate: Estimate, true: float, significance: float = SIGNIFICANCE) -> float:
    """The chance that a comparison with this standard error calls a difference of `true` significant.

    `true` is on the scale of the standard error: a logarithm for a ratio. 0 where there is no
    standard error.
    """
    if not math.isfinite(estimate.error):
        return 0.0
    if estimate.error == 0:
        return 1.0 if true else 0.0
    freedom = min(estimate.freedom, _NORMAL)
    quantile = float(special.stdtrit(freedom, 1 - significance / 2))
    shift = min(abs(true) / estimate.error, _SURE)
    wrong_sign = special.nctdtr(freedom, shift, -quantile) if shift < _NEVER else 0.0
    return float(wrong_sign + 1 - special.nctdtr(freedom, shift, quantile))


def needed_units(
    estimate: Estimate, target: float, significance: float = SIGNIFICANCE
) -> int | None:
    """Units a side for which the t test finds a true difference of `target` with probability `POWER`.

    For the spread that was seen; the part of the error that lies in the test pictures stays.
    `MOST_UNITS` where so many do not suffice; None where no spread was estimated, or there is none.
    """
    variance = sum(deviation**2 for deviation in estimate.spread)
    if variance == 0:
        return None

    def enough(count: int) -> bool:
        squared = estimate.pictures + variance / count
        # the pictures are many: their own degrees of freedom do not limit
        seeds = sum((deviation**2 / count) ** 2 / (count - 1) for deviation in estimate.spread)
        freedom = min(squared**2 / seeds, _NORMAL)
        quantiles = special.stdtrit(freedom, 1 - significance / 2) + special.stdtrit(freedom, POWER)
        return bool(quantiles * math.sqrt(squared) <= target)

    return 2 + bisect_left(range(2, MOST_UNITS), True, key=enough)

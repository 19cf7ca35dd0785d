"""What samples say about a median, a ratio and a difference, each with its interval.

Order statistics: Hahn and Meeker, Statistical Intervals (1991), chapter 5. Unequal variances: Welch
(1947).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

SINGLE_PROCESS_FLOOR = 0.005
"""Identical copies of a network in one process differ by up to this (memory layout); more rounds do not help."""


Basis = Literal["seeds", "pictures", "pictures and seeds", "processes", "rounds"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its two-sided interval and the p of "nothing differs" (1 where nothing was tested).

    `n` is the number of independent units behind the interval: samples, replicas or seeds of the
    smaller side. The bounds are infinite where the units are too few for an interval at all.
    `spread` is the standard deviation of one unit on each side (empty where it is not estimated);
    for ratios it is of the logarithm. `error` is the standard error that the interval is made of
    and `freedom` its degrees of freedom; `pictures` is the part of the squared error that more
    units do not reduce, because it lies in the choice of the test pictures. `basis` is what the
    interval holds: with "pictures" it is the test set alone, and nothing is known of seeds.
    """

    value: float
    low: float
    high: float
    n: int
    p: float = 1.0
    spread: tuple[float, ...] = ()
    error: float = math.inf
    freedom: float = math.inf
    pictures: float = 0.0
    basis: Basis = "rounds"


def median_interval(samples: Sequence[float], level: float = 0.95) -> Estimate:
    """The median with the narrowest symmetric pair of order statistics that covers it at `level` or more.

    Assumes no distribution. Needs six samples for 95 %; with fewer the bounds are infinite. Raises
    ValueError for no samples.
    """
    if not samples:
        raise ValueError("no samples, so no median; measure at least one")
    ordered = np.sort(np.asarray(samples, dtype=float))
    n = len(ordered)
    value = float(np.median(ordered))
    # P(fewer than `rank` samples below the median) is small enough
    rank = int(stats.binom.ppf((1 - level) / 2, n, 0.5))
    if rank == 0:
        return Estimate(value, -math.inf, math.inf, n)
    return Estimate(value, float(ordered[rank - 1]), float(ordered[n - rank]), n)


def log_ratios(times: Sequence[float], reference: Sequence[float]) -> tuple[float, ...]:
    """Logarithm of time over reference time, round by round. Raises ValueError for unequal lengths."""
    return tuple(math.log(time / base) for time, base in zip(times, reference, strict=True))


def ratio(replicas: Sequence[Sequence[float]], level: float = 0.95) -> Estimate:
    """The ratio that several processes' paired log-ratios agree on; neutral is 1.

    `replicas` holds one sequence of log-ratios for each process. Each is reduced to its median; the
    interval is Student's t over those medians, so it contains the spread between processes, which
    no number of rounds in one process shows. One process alone gets the order-statistic interval of
    its rounds. Either is never narrower than `SINGLE_PROCESS_FLOOR` over the square root of the
    number of processes. Raises ValueError for no samples.
    """
    if not replicas:
        raise ValueError("no replicas, so no ratio; measure at least one")
    medians = np.array([median_interval(replica).value for replica in replicas])
    count = len(medians)
    floor = SINGLE_PROCESS_FLOOR / math.sqrt(count)
    centre = float(np.mean(medians))
    if count == 1:
        inner = median_interval(replicas[0], level)
        half = max(inner.high - centre, centre - inner.low, floor)
        error = half / float(stats.norm.ppf((1 + level) / 2))
        p = 2 * float(stats.norm.sf(abs(centre) / error))
        return Estimate(
            math.exp(centre), math.exp(centre - half), _exp(centre + half), 1, p, error=error
        )
    deviation = float(np.std(medians, ddof=1))
    quantile = float(stats.t.ppf((1 + level) / 2, count - 1))
    error = max(deviation / math.sqrt(count), floor / quantile)
    half = quantile * error
    p = 2 * float(stats.t.sf(abs(centre) / error, count - 1))
    return Estimate(
        math.exp(centre),
        math.exp(centre - half),
        math.exp(centre + half),
        count,
        p,
        (deviation,),
        error,
        count - 1,
        basis="processes",
    )


def between(value: float, *, n: int, error: float, freedom: float, level: float = 0.95) -> Estimate:
    """Student's interval and test of 0 for a value with this standard error."""
    if error == 0:
        return Estimate(value, value, value, n, 0.0 if value else 1.0, error=0.0, freedom=freedom)
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p = 2 * float(stats.t.sf(abs(value) / error, freedom))
    return Estimate(value, value - half, value + half, n, p, error=error, freedom=freedom)


def _exp(exponent: float) -> float:
    return math.inf if exponent == math.inf else math.exp(exponent)

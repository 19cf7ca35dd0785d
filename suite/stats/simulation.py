"""How often the interval of a ratio contains the truth, tried on noise that was recorded.

The rounds of one recording are put in a new order in blocks (Künsch 1989), so that what makes
neighbouring rounds alike stays; each new series is then measured as a real one is, repeated looks
included. A block has the cube root of the recording's length, the rate at which blocks of a
bootstrap should grow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from suite.stats.stopping import FIRST, next_look

LEAST = 30  # rounds of a recording
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of `series` simulated series, how many intervals contain the true ratio, and how the series ended."""

    series: int
    covered: int
    precise: int  # ended because the interval was narrow enough
    rounds: float  # mean length of a series

    @property
    def share(self) -> float:
        """Covered series as a share of all."""
        return self.covered / self.series

    @property
    def bounds(self) -> tuple[float, float]:
        """The 95 % interval of the share (Clopper and Pearson 1934)."""
        interval = stats.binomtest(self.covered, self.series).proportion_ci(method="exact")
        return float(interval.low), float(interval.high)


def coverage(
    recorded: Sequence[Sequence[float]],
    *,
    half_width: float,
    length: int,
    series: int = 2000,
    seed: int = 0,
) -> Coverage:
    """Simulate measurements of a network against itself.

    Args:
        recorded: log-ratios of paired rounds, one sequence for each recording. What differs between recordings (the
            places of two copies in memory) is no noise of rounds: each is centred on its own
            median.
        half_width: at which measuring stops.
        length: rounds after which measuring stops in any case.
        series: how many to simulate.
        seed: of the random order.

    Raises:
        ValueError: a recording has fewer than `LEAST` rounds.
    """
    if not recorded or min(map(len, recorded)) < LEAST:
        raise ValueError(f"a recording has fewer than {LEAST} rounds; record for longer")
    random = np.random.default_rng(seed)
    centred = [np.asarray(rounds, dtype=float) - np.median(rounds) for rounds in recorded]
    drawn = np.stack([_shuffled(random, centred[i % len(centred)], length) for i in range(series)])
    covered = precise = total = 0
    looks = _looks(length)
    for rounds in looks:
        low, middle, high = _interval(drawn[:, :rounds])
        narrow = np.maximum(high - middle, middle - low) <= half_width
        ends = narrow if rounds < length else np.ones(len(drawn), dtype=bool)
        covered += int(((low <= 0) & (high >= 0))[ends].sum())
        precise += int((narrow & ends).sum())
        total += rounds * int(ends.sum())
        drawn = drawn[~ends]
        if not len(drawn):
            break
    return Coverage(series, covered, precise, total / series)


def lag_one(rounds: Sequence[float]) -> float:
    """The correlation of neighbouring rounds; 0 where they are independent."""
    values = np.asarray(rounds, dtype=float)
    values = values - values.mean()
    power = float(values @ values)
    return float(values[1:] @ values[:-1]) / power if power else 0.0


def _looks(length: int) -> list[int]:
    looks, look = [], FIRST
    while look < length:
        looks.append(look)
        look = next_look(look)
    return [*looks, length]


def _shuffled(random: np.random.Generator, rounds: Numbers, length: int) -> Numbers:
    block = round(len(rounds) ** (1 / 3))
    starts = random.integers(0, len(rounds) - block + 1, math.ceil(length / block))
    places = (starts[:, None] + np.arange(block)).ravel()[:length]
    taken: Numbers = rounds[places]
    return taken


def _interval(series: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The median of each row with the order statistics that `median_interval` takes."""
    rounds = series.shape[1]
    ordered = np.sort(series, axis=1)
    rank = int(stats.binom.ppf(0.025, rounds, 0.5))
    return ordered[:, rank - 1], np.median(ordered, axis=1), ordered[:, rounds - rank]

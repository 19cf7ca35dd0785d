"""When a ratio is known well enough: repeated looks at a growing series of paired rounds.

Whoever stops at the first narrow interval prefers those that are narrow by chance. The looks are
therefore few: the first after `FIRST` rounds, each later one after a fifth more.
`suite.stats.simulation` says what coverage that leaves.
"""

import math
from collections.abc import Sequence

from suite.stats.intervals import median_interval

FIRST = 12
BETWEEN = 1.2


def next_look(rounds: int) -> int:
    """The number of rounds at which to look again after a look at `rounds`."""
    return math.ceil(BETWEEN * rounds)


def is_precise(log_ratios: Sequence[float], half_width: float) -> bool:
    """Whether the 95 % interval of the median reaches no further than `half_width` to either side."""
    interval = median_interval(log_ratios)
    return max(interval.high - interval.value, interval.value - interval.low) <= half_width

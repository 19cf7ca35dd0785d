"""Do scores mean what they say? Precision at IoU 0.5 by score (Küppers et al. 2020, arXiv 2004.13546).

A detector is calibrated if of all detections with a score of 0.7 seven in ten are right.
"""

from dataclasses import dataclass

import numpy as np

from suite.stats.matches import Matches

BINS = 20  # of equal width from 0 to 1
# boxes of lower scores are kept for the sake of recall alone; they would outnumber all others
FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class Bin:
    """Detections of neighbouring scores: their bounds and number, their mean score, and the share that is right."""

    low: float
    high: float
    count: int
    score: float
    precision: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins that are not empty, and the mean distance of score and precision over the detections above `FLOOR`.

    `error` is None where there is no such detection.
    """

    bins: tuple[Bin, ...]
    error: float | None


def calibration(matches: Matches) -> Calibration:
    """Put the detections into bins; ignored ones (on crowds) are left out."""
    correct, ignored = matches.flags(0, 0)
    score, right = matches.score[~ignored], correct[~ignored]
    index = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    count = np.bincount(index, minlength=BINS)
    total = np.bincount(index, weights=score, minlength=BINS)
    true = np.bincount(index, weights=right, minlength=BINS)
    bins = tuple(
        Bin(
            k / BINS,
            (k + 1) / BINS,
            int(count[k]),
            float(total[k] / count[k]),
            float(true[k] / count[k]),
        )
        for k in np.flatnonzero(count)
    )
    sure = [b for b in bins if b.low >= FLOOR]
    weight = sum(b.count for b in sure)
    error = sum(b.count * abs(b.score - b.precision) for b in sure) / weight if weight else None
    return Calibration(bins, error)

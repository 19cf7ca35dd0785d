"""COCO's numbers from matches: average precision and recall as pycocotools (2.0, `accumulate`) computes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.stats.matches import AREAS, IOU_THRESHOLDS, LIMITS, RECALL_THRESHOLDS, Matches

Floats = NDArray[np.float64]

_ALL = 0  # of the area ranges
_LAST = len(LIMITS) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """-1 where a category has no object of that size, as in pycocotools.

    `precision` (thresholds, 101 recalls, categories, areas) at 100 detections; `recall`
    (thresholds, categories, areas, limits).
    """

    precision: Floats
    recall: Floats


def rates(matches: Matches) -> Rates:
    """Precision at every recall and the recall reached, of every category, area range and IoU threshold."""
    objects = matches.objects()
    shape = (len(IOU_THRESHOLDS), len(RECALL_THRESHOLDS), len(matches.categories), len(AREAS))
    precision = np.full(shape, -1.0)
    recall = np.full((shape[0], *shape[2:], len(LIMITS)), -1.0)
    for area in range(len(AREAS)):
        count = objects[:, area]
        there = count > 0
        for threshold in range(len(IOU_THRESHOLDS)):
            correct, ignored = matches.flags(area, threshold)
            curve = precision_at_recalls(correct, ~ignored, matches.category, count)
            precision[threshold, :, there, area] = curve[there]
            hits = np.flatnonzero(correct)
            for index, limit in enumerate(LIMITS):
                kept = matches.category[hits[matches.rank[hits] < limit]]
                detected = np.bincount(kept, minlength=len(count))
                recall[threshold, there, area, index] = detected[there] / count[there]
    return Rates(precision, recall)


def precision_at_recalls(
    correct: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    category: NDArray[np.int32],
    objects: NDArray[np.int64],
) -> Floats:
    """(K, 101) the best precision at each recall or a higher one; 0 where a recall is not reached.

    Precision only rises at a true positive, so the other detections matter by their number alone.

    Args:
        correct: (D,) true positives among detections sorted by category and falling score.
        counted: (D,) whether a detection is true or false; the others are ignored.
        category: (D,) indices, rising.
        objects: (K,) of each category.
    """
    best = np.zeros((len(objects), len(RECALL_THRESHOLDS)))
    hits = np.flatnonzero(correct)
    seen = np.concatenate(([0], counted.cumsum()))
    first = np.searchsorted(category, np.arange(len(objects)))
    edges = np.searchsorted(category[hits], np.arange(len(objects) + 1))
    for index in np.flatnonzero((np.diff(edges) > 0) & (objects > 0)):
        mine = hits[edges[index] : edges[index + 1]]
        true = np.arange(1, len(mine) + 1, dtype=np.float64)
        false = seen[mine + 1] - seen[first[index]] - true
        precision = true / (false + true + np.spacing(1))
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        position = np.searchsorted(true / objects[index], RECALL_THRESHOLDS, side="left")
        reached = position < len(mine)
        best[index, reached] = envelope[position[reached]]
    return best


def summary(table: Rates) -> tuple[float, ...]:
    """The twelve numbers in pycocotools' order; -1 where no object is of that kind."""
    precision, recall = table.precision, table.recall
    return (
        _mean(precision[..., _ALL]),
        _mean(precision[0, ..., _ALL]),
        _mean(precision[5, ..., _ALL]),
        *(_mean(precision[..., area]) for area in range(1, len(AREAS))),
        *(_mean(recall[..., _ALL, limit]) for limit in range(len(LIMITS))),
        *(_mean(recall[..., area, _LAST]) for area in range(1, len(AREAS))),
    )


def class_ap(
    table: Rates, *, area: int = _ALL, thresholds: Sequence[int] | slice = slice(None)
) -> Floats:
    """(K,) AP of each category, over all IoU thresholds or some of them; -1 where it has no object."""
    return np.asarray(table.precision[thresholds, :, :, area].mean(axis=(0, 1)), np.float64)


def _mean(values: Floats) -> float:
    there = values[values > -1]
    return float(there.mean()) if there.size else -1.0

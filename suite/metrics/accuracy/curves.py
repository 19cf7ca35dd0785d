"""Precision, recall and AP as YOLOv5 defines them: a second opinion beside COCO's, and the working point it prints.

AP is the area under the precision envelope sampled at 101 recalls, joined by straight lines; COCO's
is the mean of 101 steps, so the two differ in the second or third digit. The working point is the
confidence with the best F1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TINY = 1e-16
_CONFIDENCES = np.linspace(0, 1, 1000)
_RECALLS = np.linspace(0, 1, 101)
_SMOOTHING = (
    0.1  # share of the confidences that the mean F1 is averaged over before its best is looked for
)


FITNESS_WEIGHTS = (0.0, 0.0, 0.1, 0.9)  # of precision, recall, AP50 and AP


def fitness(precision: float, recall: float, ap50: float, ap: float) -> float:
    """The one number that YOLOv5 (v7.0) chooses its best checkpoint by."""
    figures = (precision, recall, ap50, ap)
    return sum(weight * figure for weight, figure in zip(FITNESS_WEIGHTS, figures, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """For each of `classes` (c,), those that have targets: AP (c, thresholds) and the working point's figures (c,).

    `confidence` is the one working point of all classes; `true` and `false` count the detections
    above it.
    """

    classes: NDArray[np.int64]
    ap: Floats
    confidence: float
    precision: Floats
    recall: Floats
    f1: Floats
    true: Floats
    false: Floats


def curves(
    correct: NDArray[np.bool_], scores: Floats, labels: NDArray[np.int64], truth: NDArray[np.int64]
) -> Curves:
    """Precision and recall over confidence for detections that have been matched with targets.

    Args:
        correct: (n, thresholds) whether a detection matches a target at each IoU threshold; the first decides the
            working point.
        scores: (n,) confidences.
        labels: (n,) class indices of the detections.
        truth: (m,) class indices of the targets.
    """
    order = np.argsort(-scores, kind="stable")
    correct, scores, labels = correct[order], scores[order], labels[order]
    classes, targets = np.unique(truth, return_counts=True)
    ap = np.zeros((len(classes), correct.shape[1]))
    precision, recall = np.zeros((2, len(classes), len(_CONFIDENCES)))
    for index, (label, count) in enumerate(zip(classes, targets, strict=True)):
        mine = labels == label
        if not mine.any():
            continue
        hits = correct[mine].cumsum(axis=0)
        rising = hits / (count + _TINY)
        sure = hits / np.arange(1, len(hits) + 1)[:, None]
        # over falling confidence; above the highest nothing is found, and nothing is wrong
        recall[index] = np.interp(-_CONFIDENCES, -scores[mine], rising[:, 0], left=0)
        precision[index] = np.interp(-_CONFIDENCES, -scores[mine], sure[:, 0], left=1)
        ap[index] = [_area(rising[:, j], sure[:, j]) for j in range(correct.shape[1])]
    f1 = 2 * precision * recall / (precision + recall + _TINY)
    best = int(_smooth(f1.mean(axis=0)).argmax()) if len(classes) else 0
    true = (recall[:, best] * targets).round()
    false = (true / (precision[:, best] + _TINY) - true).round()
    return Curves(
        classes,
        ap,
        float(_CONFIDENCES[best]),
        precision[:, best],
        recall[:, best],
        f1[:, best],
        true,
        false,
    )


def _area(recall: Floats, precision: Floats) -> float:
    envelope = np.maximum.accumulate(np.concatenate(([1.0], precision, [0.0]))[::-1])[::-1]
    sampled = np.interp(_RECALLS, np.concatenate(([0.0], recall, [1.0])), envelope)
    return float(np.trapezoid(sampled, _RECALLS))


def _smooth(values: Floats) -> Floats:
    width = round(len(values) * _SMOOTHING * 2) // 2 + 1
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")

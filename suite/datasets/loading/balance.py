"""Which pictures to show more often, so that rare classes are seen: the image weights of YOLOv5 (v7.0)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suite.datasets.random import RandomStream
from suite.datasets.split import Picture

Floats = NDArray[np.float64]


def class_weights(counts: Sequence[int]) -> Floats:
    """The share of each class in the attention: the inverse of its boxes, as if one that has none had one."""
    inverse = 1 / np.maximum(np.asarray(counts, np.float64), 1)
    return np.asarray(inverse / inverse.sum(), np.float64)


def picture_weights(pictures: Sequence[Picture], classes: int) -> Floats:
    """The weight of each picture: its boxes, each by the weight of its class. Crowds are no boxes.

    YOLOv5 weighs a class by its present error too, (1 − AP)²; that would show every variant other pictures.
    """
    counts = np.array(
        [np.bincount(p.labels[~p.crowd], minlength=classes) for p in pictures]
    ).reshape(-1, classes)
    return np.asarray(counts @ class_weights(counts.sum(axis=0)), np.float64)


def drawn(weights: Floats, stream: RandomStream) -> NDArray[np.int64]:
    """As many pictures as there are, drawn with replacement by weight; evenly where nothing has a weight."""
    ends = np.cumsum(weights if weights.any() else np.ones_like(weights))
    shares = (stream.words(len(weights)) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.asarray(np.searchsorted(ends, shares * ends[-1], side="right"), np.int64)

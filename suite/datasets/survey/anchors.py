"""Anchors for the boxes of a data set, found as YOLOv5 finds them, and how many of the boxes given ones can take.

A box is taken by an anchor where neither side is `threshold` times the other's or more, whatever its place: what
YOLOv5 trains by, and what it calls the best possible recall.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans

from suite.datasets.split import MissingDataError, Split
from suite.record import Json

THRESHOLD = 4.0  # of YOLOv5's recipes
MOST_BOXES = 10_000  # that anchors are found from
_SMALLEST = 2.0  # pixels of a side; a box with neither as large is no guide
_STARTS, _GENERATIONS = 30, 1000
_CHANGES, _SPREAD, _FACTORS = 0.9, 0.1, (0.3, 3.0)

Sizes = NDArray[np.float64]


def box_sizes(split: Split, image_size: int) -> Sizes:
    """(n, 2) widths and heights in pixels, where the longer side of each picture is `image_size`; no crowd regions."""
    sizes = [
        picture.boxes[~picture.crowd, 2:] * (image_size / max(picture.width, picture.height))
        for picture in split.pictures
    ]
    return np.concatenate(sizes) if sizes else np.zeros((0, 2))


def share_taken(sizes: Sizes, anchors: Sizes, threshold: float = THRESHOLD) -> float:
    """The share of boxes (n, 2) that any of the anchors (k, 2) can take; 1 where there are no boxes."""
    if not len(sizes):
        return 1.0
    return float((_likeness(sizes, anchors) > 1 / threshold).mean())


def find_anchors(split: Split, count: int, *, image_size: int, seed: int = 0) -> Sizes:
    """(count, 2) widths and heights in pixels, the smallest first: k-means, then changes at random that fit better.

    Of more than `MOST_BOXES` boxes as many are drawn. The same data and seed give the same anchors.

    Raises:
        MissingDataError: there are fewer boxes of different sizes than anchors.
    """
    rng = np.random.default_rng(seed)
    sizes = box_sizes(split, image_size)
    sizes = sizes[(sizes >= _SMALLEST).any(1)]
    if len(sizes) > MOST_BOXES:
        sizes = sizes[rng.choice(len(sizes), MOST_BOXES, replace=False)]
    different = len(np.unique(sizes, axis=0))
    if different < count:
        raise MissingDataError(
            f"{split.folder}: {different} boxes of different sizes in its part {split.split}; "
            f"{count} anchors need as many"
        )
    spread = sizes.std(0)
    spread[spread == 0] = 1  # all boxes are as wide, or as high
    centres = _centres(sizes / spread, count, rng) * spread
    found = _evolved(centres, sizes, rng)
    return found[np.argsort(found.prod(1))]


def _centres(points: Sizes, count: int, rng: np.random.Generator) -> Sizes:
    """The best of several starts; a start that loses a cluster on the way is no answer."""
    for _ in range(_STARTS):
        found, _distortion = kmeans(points, count, iter=_STARTS, seed=rng)
        if len(found) == count:
            return np.asarray(found)
    return points[rng.choice(len(points), count, replace=False)]


def _evolved(anchors: Sizes, sizes: Sizes, rng: np.random.Generator) -> Sizes:
    """Changed at random, again and again; a change is kept where the boxes that can be taken fit better."""
    best = _fitness(sizes, anchors)
    for _ in range(_GENERATIONS):
        changed = rng.random(anchors.shape) < _CHANGES
        factors = changed * rng.random() * rng.standard_normal(anchors.shape) * _SPREAD + 1
        tried = np.maximum(anchors * factors.clip(*_FACTORS), _SMALLEST)
        fitness = _fitness(sizes, tried)
        if fitness > best:
            anchors, best = tried, fitness
    return anchors


def _fitness(sizes: Sizes, anchors: Sizes) -> float:
    """How like its nearest anchor a box is on average; none that no anchor can take."""
    likeness = _likeness(sizes, anchors)
    return float((likeness * (likeness > 1 / THRESHOLD)).mean())


def _likeness(sizes: Sizes, anchors: Sizes) -> Sizes:
    """(n,) of each box with its nearest anchor: the smaller over the larger, of the side that differs more."""
    ratio = np.maximum(sizes, 1e-9)[:, None] / anchors[None]
    worst: Sizes = np.minimum(ratio, 1 / ratio).min(2).max(1)
    return worst


def by_level(anchors: Sizes, strides: Sequence[float]) -> list[Json]:
    """Anchors from small to large, dealt to the maps from fine to coarse: one flat list in whole pixels a map."""
    levels = list[Json](anchors.reshape(len(strides), -1).round().astype(int).tolist())
    order = sorted(range(len(strides)), key=lambda level: strides[level])
    return [levels[order.index(level)] for level in range(len(strides))]

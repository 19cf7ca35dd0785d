"""Matching of detections with objects by COCO's rules, for all pictures at once: the fast twin of pycocotools.

The rules (pycocotools 2.0, `evaluateImg`): within a picture and a category, detections choose by
falling score. Each takes the object that it overlaps most, among those that it overlaps enough and
nobody has taken; of equal overlaps the later object. Objects that count go before those that do not
(crowds, and those outside the area range); crowds can be taken any number of times. What takes
nothing and lies outside the area range itself is ignored too.

Only pairs that overlap by the lowest threshold matter, and they are few; thresholds and area ranges
are bits of a word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.datasets.split import Category, Picture, Split
from suite.metrics.accuracy.pairs import overlaps, pairs_of, places_in_runs
from suite.stats.matches import AREAS, IOU_THRESHOLDS, LIMITS, Matches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

# square pixels, both ends included
AREA_RANGES = ((0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10))
_T = len(IOU_THRESHOLDS)
_BLOCK = np.uint64((1 << _T) - 1)
_EVERY_AREA = np.uint64(sum(1 << (_T * area) for area in range(len(AREAS))))


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The objects of a validation part. `picture` and `category` are indices into the ids, which rise."""

    pictures: NDArray[Any]  # (I,) ids
    categories: Ints  # (K,) ids
    names: tuple[str, ...]  # (K,)
    picture: Ints  # (G,)
    category: Ints  # (G,)
    boxes: Floats  # (G, 4) left, top, width, height
    area: Floats  # (G,) that decides the size; not always width x height
    crowd: NDArray[np.bool_]  # (G,)
    data: str = ""
    # (I,) and (K,): ids as the data set's file has them, where `pictures` and `categories` have others
    own_pictures: tuple[int, ...] = ()
    own_categories: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Detections: indices of picture and category (n,), boxes (n, 4) left, top, width, height, scores (n,)."""

    picture: Ints
    category: Ints
    boxes: Floats
    score: Floats


def truth_of(split: Split) -> Truth:
    """The objects of a split, whose pictures and categories are in order of their ids."""
    counts = [len(picture.boxes) for picture in split.pictures]
    return Truth(
        np.array([picture.id for picture in split.pictures]),
        np.array([category.id for category in split.categories], np.int64),
        tuple(category.name for category in split.categories),
        np.repeat(np.arange(len(counts)), counts),
        np.concatenate([picture.labels for picture in split.pictures]).astype(np.int64),
        np.concatenate([picture.boxes for picture in split.pictures]).reshape(-1, 4),
        np.concatenate([picture.area for picture in split.pictures]),
        np.concatenate([picture.crowd for picture in split.pictures]),
        split.fingerprint,
        _own(split.pictures),
        _own(split.categories),
    )


def _own(rows: Sequence[Picture] | Sequence[Category]) -> tuple[int, ...]:
    return tuple(row.own_id for row in rows if row.numbered is not None)


def from_results(truth: Truth, results: Sequence[Mapping[str, Any]]) -> Detections:
    """COCO results as arrays.

    Raises:
        ValueError: a detection is of a picture or a category that the data does not have.
    """
    ids, classes = truth.own_pictures or truth.pictures.tolist(), truth.own_categories
    pictures = {number: index for index, number in enumerate(ids)}
    labels = {number: index for index, number in enumerate(classes or truth.categories.tolist())}
    _require_known(results, "image_id", "picture", pictures)
    _require_known(results, "category_id", "category", labels)
    return Detections(
        np.array([pictures[row["image_id"]] for row in results], np.int64),
        np.array([labels[row["category_id"]] for row in results], np.int64),
        np.array([row["bbox"] for row in results], np.float64).reshape(-1, 4),
        np.array([row["score"] for row in results], np.float64),
    )


def _require_known(
    results: Sequence[Mapping[str, Any]], key: str, noun: str, known: Mapping[Any, int]
) -> None:
    for row in results:
        if row[key] not in known:
            raise ValueError(f"a detection is of {noun} {row[key]!r}, which the data does not have")


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Matches with where they come from: of each detection its row in `Detections`, and the object that it took.

    `took` is the index of an object that counts, at the lowest IoU threshold and for objects of any
    size, or -1.
    """

    matches: Matches
    rows: Ints
    took: Ints


def match(truth: Truth, detections: Detections) -> Matches:
    """Match the best 100 detections of every picture and category, at every IoU threshold and in every area range."""
    return trace(truth, detections).matches


def trace(truth: Truth, detections: Detections) -> Trace:
    """What `match` does, with its traces."""
    group = detections.category * len(truth.pictures) + detections.picture
    order = np.lexsort((-detections.score, group))
    rank = places_in_runs(group[order])
    kept = rank < LIMITS[-1]
    order, rank = order[kept], rank[kept]
    group, boxes = group[order], detections.boxes[order]

    counted = _counted(truth)
    left = _candidates(truth, group, boxes)
    correct, ignored, took = _take(left, group, _spread(counted), truth.crowd)
    outside = ~_inside(boxes[:, 2] * boxes[:, 3])
    ignored |= _spread(outside) & ~(correct | ignored)

    category, score = detections.category[order], detections.score[order]
    final = np.lexsort((-score, category))  # stable: ties stay in the order of pictures
    matches = Matches(
        truth.pictures,
        truth.categories,
        truth.names,
        truth.data,
        detections.picture[order][final].astype(np.int32),
        category[final].astype(np.int32),
        score[final],
        rank[final].astype(np.int16),
        correct[final],
        ignored[final],
        truth.picture.astype(np.int32),
        truth.category.astype(np.int32),
        (counted << np.arange(len(AREAS), dtype=np.uint8)).sum(axis=1).astype(np.uint8),
    )
    return Trace(matches, order[final], took[final])


def _inside(area: Floats) -> NDArray[np.bool_]:
    """(n, areas) whether an area lies in each range."""
    low, high = np.array(AREA_RANGES).T
    return np.asarray((area[:, None] >= low) & (area[:, None] <= high))


def _counted(truth: Truth) -> NDArray[np.bool_]:
    return np.asarray(_inside(truth.area) & ~truth.crowd[:, None])


def _spread(flags: NDArray[np.bool_]) -> Words:
    """(n, areas) flags as words: each fills the bits of all thresholds of its area range."""
    shifts = np.arange(len(AREAS), dtype=np.uint64) * np.uint64(_T)
    return np.asarray((flags * (_BLOCK << shifts)).sum(axis=1), np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Pairs of a detection and an object, in the order of the detections and of their wishes."""

    detection: Ints
    truth: Ints
    enough: Words  # the thresholds that the overlap reaches, in every area range


def _candidates(truth: Truth, group: Ints, boxes: Floats) -> _Candidates:
    """`group` and `boxes` are of the detections, by group and then rank."""
    owners = truth.category * len(truth.pictures) + truth.picture
    detections, objects, ious = [], [], []
    for i, j in pairs_of(group, owners):
        iou = overlaps(boxes[i], truth.boxes[j], truth.crowd[j])
        near = iou >= IOU_THRESHOLDS[0]
        detections.append(i[near])
        objects.append(j[near])
        ious.append(iou[near])
    detection, target, overlap = (np.concatenate(parts) for parts in (detections, objects, ious))
    order = np.lexsort((-target, -overlap, detection))
    reached = np.searchsorted(IOU_THRESHOLDS, overlap[order], side="right").astype(np.uint64)
    block = (np.uint64(1) << reached) - np.uint64(1)
    return _Candidates(detection[order], target[order], block * _EVERY_AREA)


def _take(
    left: _Candidates, group: Ints, counted: Words, crowd: NDArray[np.bool_]
) -> tuple[Words, Words, Ints]:
    """Words of the detections: where each takes an object that counts, and where one that does not; and `Trace.took`.

    A detection tries the objects that count, then the others: two attempts for each pair. The
    attempts of one picture and category depend on each other, those of different ones do not, so
    the n-th of all are made together.
    """
    pairs = np.arange(len(left.detection))
    pair = np.concatenate((pairs, pairs))
    second = np.repeat((False, True), len(pairs))
    mine = left.detection[pair]
    wanted = left.enough[pair] & np.where(
        second, ~counted[left.truth[pair]], counted[left.truth[pair]]
    )
    kept = wanted != 0
    pair, second, mine, wanted = pair[kept], second[kept], mine[kept], wanted[kept]
    order = np.lexsort((pair, second, mine))
    pair, second, mine, wanted = pair[order], second[order], mine[order], wanted[order]

    turn = places_in_runs(group[mine])
    rounds = np.argsort(turn, kind="stable")
    ends = np.searchsorted(turn[rounds], np.arange(1, int(turn.max(initial=0)) + 1))
    taken = np.zeros((2, len(group)), np.uint64)
    free = np.full(len(crowd), ~np.uint64(0))
    took = np.full(len(group), -1)
    for attempts in np.split(rounds, ends):
        detection, target, how = (
            mine[attempts],
            left.truth[pair[attempts]],
            second[attempts].astype(np.int64),
        )
        won = wanted[attempts] & free[target] & ~(taken[0, detection] | taken[1, detection])
        taken[how, detection] |= won
        free[target] &= np.where(crowd[target], ~np.uint64(0), ~won)
        first = (won & ~how.astype(np.uint64) & np.uint64(1)) != 0
        took[detection[first]] = target[first]
    return taken[0], taken[1], took

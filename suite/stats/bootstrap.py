"""AP over resampled pictures, from stored matches: which test pictures were drawn is one source of chance.

A bootstrap resample (Efron 1979) draws as many pictures as there are, with replacement. Matching a detection with an
object concerns one picture only, so a resample is nothing but a weight for each picture: how often it was drawn. AP
then follows from weighted counts at the true positives, since precision is highest there and recall rises there only.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from suite.stats.matches import IOU_THRESHOLDS, RECALL_THRESHOLDS, Matches

RESAMPLES = 1000
METRICS = ("ap", "ap50", "ap75")
"""The rows of what `resampled` returns."""

Floats: TypeAlias = npt.NDArray[np.floating]
Counts: TypeAlias = npt.NDArray[np.intp]
_THRESHOLDS = len(IOU_THRESHOLDS)
_BITS = np.uint64(1) << np.arange(_THRESHOLDS, dtype=np.uint64)  # of the area "all"
_COLUMNS, _ROWS = (
    128,
    32,
)  # resamples and true positives at a time: what is worked on stays in the cache


def picture_weights(pictures: int, resamples: int = RESAMPLES, seed: int = 0) -> Counts:
    """How often each picture is drawn: (pictures, resamples), each column sums to `pictures`.

    The same arguments give the same resamples, so that the differences of two variants are paired.
    """
    random = np.random.default_rng(seed)
    drawn = random.integers(pictures, size=(resamples, pictures))
    drawn += pictures * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * pictures)
    return np.ascontiguousarray(counts.reshape(resamples, pictures).T)


def resampled(
    matches: Matches, weights: Counts, *, dtype: npt.DTypeLike = np.float32
) -> npt.NDArray[np.float64]:
    """AP, AP50 and AP75 (rows, as fractions) for each column of `weights` (pictures, resamples).

    Weights of 1 give pycocotools' numbers: to 1e-12 with `dtype` float64, to 1e-6 with float32, which is far below
    what a resample differs by. A category without an object in a resample is left out of its mean, as pycocotools
    leaves it out; a resample without any object has no value (NaN).
    """
    objects = _objects(matches) @ weights
    categories = tuple(_categories(matches, dtype))
    workspace = _workspace(dtype)
    found = []
    for low in range(0, weights.shape[1], _COLUMNS):
        block = slice(low, low + _COLUMNS)
        drawn = weights[:, block].astype(dtype)
        total = sum(
            _precision(category, drawn, present, workspace)
            for category, present in zip(categories, objects[:, block], strict=True)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(total / (objects[:, block] > 0).sum(axis=0))
    by_threshold = np.concatenate(found, axis=1)
    return np.stack([by_threshold.mean(axis=0), by_threshold[0], by_threshold[5]])


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Some rows of a category. A row is a detection that is a true positive at one threshold at least."""

    picture: npt.NDArray[np.int32]  # (rows,)
    found: Floats  # (rows, thresholds, 1): -1 for a true positive
    seen: sparse.csr_array  # (rows * s, pictures): less what counts since the row before


@dataclass(frozen=True, slots=True, eq=False)
class _Category:
    """The rows of a category from its last to its first, and the counts at its last row."""

    stretches: tuple[_Stretch, ...]
    found: sparse.csr_array  # (thresholds, pictures)
    seen: (
        sparse.csr_array
    )  # (s, pictures); s is 10 if thresholds differ in which detections count, else 1


def _categories(matches: Matches, dtype: npt.DTypeLike) -> Iterator[_Category]:
    starts = matches.starts()
    for low, high in pairwise(starts):
        correct = (matches.correct[low:high, None] & _BITS) != 0
        counts = (matches.ignored[low:high, None] & _BITS) == 0
        yield _category(matches.picture[low:high], correct, counts, len(matches.pictures), dtype)


def _category(
    picture: npt.NDArray[np.int32],
    correct: npt.NDArray[np.bool_],
    counts: npt.NDArray[np.bool_],
    pictures: int,
    dtype: npt.DTypeLike,
) -> _Category:
    rows = np.flatnonzero(correct.any(axis=1))
    last = (
        rows[-1] + 1 if len(rows) else 0
    )  # what comes after the last true positive changes nothing
    one = np.ones((), dtype)
    picture, counts = picture[:last], counts[:last]
    counts = counts[:, :1] if counts.all() else counts
    each = counts.shape[1]
    detection, threshold = np.nonzero(counts)
    place = (
        np.searchsorted(rows, detection) * each + threshold
    )  # the first row at or after the detection
    order = np.argsort(place, kind="stable")
    place, detection = place[order], detection[order]
    stretches = []
    for low in range(0, len(rows), _ROWS):
        mine = rows[low : low + _ROWS]
        first, end = np.searchsorted(place, [low * each, (low + len(mine)) * each])
        seen = _sums(
            place[first:end] - low * each,
            picture[detection[first:end]],
            (len(mine) * each, pictures),
            -one,
        )
        stretches.append(_Stretch(picture[mine], -correct[mine].astype(dtype)[:, :, None], seen))
    hits, who = np.nonzero(correct[rows].T)
    found = _sums(hits, picture[rows][who], (_THRESHOLDS, pictures), one)
    thresholds, who = np.nonzero(counts.T)
    seen = _sums(thresholds, picture[who], (each, pictures), one)
    return _Category(tuple(reversed(stretches)), found, seen)


def _sums(
    row: npt.NDArray[np.intp],
    column: npt.NDArray[np.int32],
    shape: tuple[int, int],
    value: npt.NDArray[np.floating],
) -> sparse.csr_array:
    """`value` at each (row, column), added where they meet; `row` never falls."""
    ends = np.searchsorted(row, np.arange(shape[0] + 1))
    return sparse.csr_array((np.full(len(row), value), column, ends), shape=shape)


def _objects(matches: Matches) -> sparse.csr_array:
    """(categories, pictures): how many objects there are to find."""
    counted = (matches.truth_counted & 1) != 0
    place = (matches.truth_category[counted], matches.truth_picture[counted])
    shape = (len(matches.categories), len(matches.pictures))
    return sparse.csr_array((np.ones(len(place[0]), np.intp), place), shape=shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Workspace:
    """Memory that is used again and again, each (rows + 1, thresholds, resamples)."""

    found: Floats
    envelope: Floats
    gained: Floats
    reached: Floats
    place: Counts

    def cut(self, rows: int, columns: int) -> "_Workspace":
        """The same memory for a stretch of so many rows and resamples."""
        shape = (rows, _THRESHOLDS, columns)
        size = math.prod(shape)
        floats = (
            part[:size].reshape(shape)
            for part in (self.found, self.envelope, self.gained, self.reached)
        )
        found, envelope, gained, reached = floats
        return _Workspace(found, envelope, gained, reached, self.place[:size].reshape(shape))


def _workspace(dtype: npt.DTypeLike) -> _Workspace:
    size = (_ROWS + 1) * _THRESHOLDS * _COLUMNS
    found, envelope, gained, reached = (np.empty(size, dtype) for _ in range(4))
    return _Workspace(found, envelope, gained, reached, np.empty(size, np.intp))


def _precision(
    category: _Category, drawn: Floats, objects: Counts, workspace: _Workspace
) -> Floats:
    """Average precision (thresholds, resamples) of one category; 0 where a resample has no object of it.

    From the last row to the first, since the envelope of the precision is its maximum over all later rows. Each row
    adds the recall thresholds reached by then, times what its envelope has over that of the next row.
    """
    columns = drawn.shape[1]
    starts, table = _recalls(objects, drawn.dtype)
    found, seen = category.found @ drawn, category.seen @ drawn
    envelope = np.zeros_like(found)
    total = np.zeros(found.shape)
    for stretch in category.stretches:
        rows = len(stretch.picture)
        work = workspace.cut(rows + 1, columns)
        np.multiply(stretch.found, drawn[stretch.picture][:, None, :], out=work.found[:rows])
        work.found[rows] = found
        _accumulate(np.add, work.found)
        steps = np.concatenate([(stretch.seen @ drawn).reshape(rows, -1, columns), seen[None]])
        _accumulate(np.add, steps)
        found, seen = work.found[0].copy(), steps[0].copy()
        # nothing seen, nothing found: the precision there is 0
        np.divide(work.found[1:], np.maximum(steps[1:], 1), out=work.envelope[:rows])
        work.envelope[rows] = envelope
        _accumulate(np.maximum, work.envelope)
        envelope = work.envelope[0].copy()
        np.subtract(work.envelope[:-1], work.envelope[1:], out=work.gained[:rows])
        work.place[:rows] = work.found[1:]
        work.place[:rows] += starts
        table.take(work.place[:rows], out=work.reached[:rows], mode="clip")
        work.gained[:rows] *= work.reached[:rows]
        total += work.gained[:rows].sum(axis=0)
    return total / len(RECALL_THRESHOLDS)


def _recalls(objects: Counts, dtype: npt.DTypeLike) -> tuple[Counts, Floats]:
    """How many recall thresholds lie at or below found / objects: `table[start + found]`, a start for each resample."""
    counts, which = np.unique(objects, return_inverse=True)
    sizes = counts + 1
    starts = np.cumsum(sizes) - sizes
    recalls = (np.arange(sizes.sum()) - np.repeat(starts, sizes)) / np.repeat(
        np.maximum(counts, 1), sizes
    )
    return starts[which], np.searchsorted(RECALL_THRESHOLDS, recalls, side="right").astype(dtype)


def _accumulate(operation: np.ufunc, values: Floats) -> None:
    """Running result from the last row to the first, in place: by whole rows, where `accumulate` goes by numbers."""
    rows = list(values)
    for row, after in zip(rows[-2::-1], rows[:0:-1], strict=True):
        operation(row, after, out=row)

"""AP over resampled pictures, from stored matches: which test pictures were drawn is one source of chance.

A bootstrap resample (Efron 1979) draws as many pictures as there are, with replacement. Matching a
detection with an object concerns one picture only, so a resample is nothing but a weight for each
picture: how often it was drawn. AP then follows from weighted counts at the true positives, since
precision is highest there and recall rises there only.
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
# resamples and true positives at a time: what is worked on stays in the cache
_COLUMNS, _ROWS = 128, 32


def picture_weights(pictures: int, resamples: int = RESAMPLES, seed: int = 0) -> Counts:
    """How often each picture is drawn: (pictures, resamples), each column sums to `pictures`.

    The same arguments give the same resamples, so that two networks that are weighed by them are
    paired: what makes a resample easy makes it easy for both, and cancels in their difference.

    >>> weights = picture_weights(3, resamples=2, seed=0)
    >>> weights.shape, weights.sum(axis=0).tolist()
    ((3, 2), [3, 3])

    Source: Efron 1979, the bootstrap; paired, as the difference of two statistics of one resample.
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

    Weights of 1 give pycocotools' numbers: to 1e-12 with `dtype` float64, to 1e-6 with float32,
    which is far below what a resample differs by. A category without an object in a resample is
    left out of its mean, as pycocotools leaves it out; a resample without any object has no value
    (NaN).

    Args:
        matches: of all detections with all objects, once for all resamples.
        weights: how often each picture counts, from `picture_weights`.
        dtype: that the work is done in.

    Returns:
        (3, resamples). `resampled(a, w) - resampled(b, w)` are resamples of the difference of two
        networks.
    """
    objects = _objects(matches) @ weights
    categories = tuple(_categories(matches, dtype))
    workspace = _workspace(dtype)
    blocks = []
    for low in range(0, weights.shape[1], _COLUMNS):
        block = slice(low, low + _COLUMNS)
        drawn = weights[:, block].astype(dtype)
        total = sum(
            _precision(category, drawn, present, workspace)
            for category, present in zip(categories, objects[:, block], strict=True)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            blocks.append(total / (objects[:, block] > 0).sum(axis=0))
    by_threshold = np.concatenate(blocks, axis=1)
    return np.stack([by_threshold.mean(axis=0), by_threshold[0], by_threshold[5]])


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Some rows of a category. A row is a detection that is a true positive at one threshold at least."""

    picture: npt.NDArray[np.int32]  # (rows,)
    hits: Floats  # (rows, thresholds, 1): -1 for a true positive
    seen: sparse.csr_array  # (rows * s, pictures): less what counts since the row before


@dataclass(frozen=True, slots=True, eq=False)
class _Category:
    """The rows of a category from its last to its first, and the counts at its last row."""

    stretches: tuple[_Stretch, ...]
    hits: sparse.csr_array  # (thresholds, pictures)
    # (s, pictures); s is 10 if thresholds differ in which detections count, else 1
    seen: sparse.csr_array


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
    # what comes after the last true positive changes nothing
    last = rows[-1] + 1 if len(rows) else 0
    one = np.ones((), dtype)
    picture, counts = picture[:last], counts[:last]
    counts = counts[:, :1] if counts.all() else counts
    each = counts.shape[1]
    detection, threshold = np.nonzero(counts)
    # of the first row at or after the detection
    row = np.searchsorted(rows, detection) * each + threshold
    order = np.argsort(row, kind="stable")
    row, detection = row[order], detection[order]
    stretches = []
    for low in range(0, len(rows), _ROWS):
        mine = rows[low : low + _ROWS]
        first, end = np.searchsorted(row, [low * each, (low + len(mine)) * each])
        seen = _sums(
            row[first:end] - low * each,
            picture[detection[first:end]],
            (len(mine) * each, pictures),
            -one,
        )
        stretches.append(_Stretch(picture[mine], -correct[mine].astype(dtype)[:, :, None], seen))
    thresholds, who = np.nonzero(correct[rows].T)
    hits = _sums(thresholds, picture[rows][who], (_THRESHOLDS, pictures), one)
    thresholds, who = np.nonzero(counts.T)
    seen = _sums(thresholds, picture[who], (each, pictures), one)
    return _Category(tuple(reversed(stretches)), hits, seen)


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
    where = (matches.truth_category[counted], matches.truth_picture[counted])
    shape = (len(matches.categories), len(matches.pictures))
    return sparse.csr_array((np.ones(len(where[0]), np.intp), where), shape=shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Workspace:
    """Memory that is used again and again, each (rows + 1, thresholds, resamples)."""

    hits: Floats
    envelope: Floats
    gained: Floats
    reached: Floats
    entry: Counts

    def cut(self, rows: int, columns: int) -> "_Workspace":
        """The same memory for a stretch of so many rows and resamples."""
        shape = (rows, _THRESHOLDS, columns)
        size = math.prod(shape)
        floats = (
            part[:size].reshape(shape)
            for part in (self.hits, self.envelope, self.gained, self.reached)
        )
        hits, envelope, gained, reached = floats
        return _Workspace(hits, envelope, gained, reached, self.entry[:size].reshape(shape))


def _workspace(dtype: npt.DTypeLike) -> _Workspace:
    size = (_ROWS + 1) * _THRESHOLDS * _COLUMNS
    hits, envelope, gained, reached = (np.empty(size, dtype) for _ in range(4))
    return _Workspace(hits, envelope, gained, reached, np.empty(size, np.intp))


def _precision(
    category: _Category, drawn: Floats, objects: Counts, workspace: _Workspace
) -> Floats:
    """Average precision (thresholds, resamples) of one category; 0 where a resample has no object of it.

    From the last row to the first, since the envelope of the precision is its maximum over all
    later rows. Each row adds the recall thresholds reached by then, times what its envelope has
    over that of the next row.
    """
    columns = drawn.shape[1]
    starts, table = _recalls(objects, drawn.dtype)
    hits, seen = category.hits @ drawn, category.seen @ drawn
    envelope = np.zeros_like(hits)
    total = np.zeros(hits.shape)
    for stretch in category.stretches:
        rows = len(stretch.picture)
        work = workspace.cut(rows + 1, columns)
        np.multiply(stretch.hits, drawn[stretch.picture][:, None, :], out=work.hits[:rows])
        work.hits[rows] = hits
        _accumulate(np.add, work.hits)
        steps = np.concatenate([(stretch.seen @ drawn).reshape(rows, -1, columns), seen[None]])
        _accumulate(np.add, steps)
        hits, seen = work.hits[0].copy(), steps[0].copy()
        # nothing seen, no hit: the precision there is 0
        np.divide(work.hits[1:], np.maximum(steps[1:], 1), out=work.envelope[:rows])
        work.envelope[rows] = envelope
        _accumulate(np.maximum, work.envelope)
        envelope = work.envelope[0].copy()
        np.subtract(work.envelope[:-1], work.envelope[1:], out=work.gained[:rows])
        work.entry[:rows] = work.hits[1:]
        work.entry[:rows] += starts
        table.take(work.entry[:rows], out=work.reached[:rows], mode="clip")
        work.gained[:rows] *= work.reached[:rows]
        total += work.gained[:rows].sum(axis=0)
    return total / len(RECALL_THRESHOLDS)


def _recalls(objects: Counts, dtype: npt.DTypeLike) -> tuple[Counts, Floats]:
    """How many recall thresholds lie at or below hits / objects: `table[start + hits]`, a start for each resample."""
    counts, which = np.unique(objects, return_inverse=True)
    sizes = counts + 1
    starts = np.cumsum(sizes) - sizes
    recalls = (np.arange(sizes.sum()) - np.repeat(starts, sizes)) / np.repeat(
        np.maximum(counts, 1), sizes
    )
    return starts[which], np.searchsorted(RECALL_THRESHOLDS, recalls, side="right").astype(dtype)


def _accumulate(operation: np.ufunc, values: Floats) -> None:
    """Running result from the last row to the first, in entry: by whole rows, where `accumulate` goes by numbers."""
    rows = list(values)
    for row, after in zip(rows[-2::-1], rows[:0:-1], strict=True):
        operation(row, after, out=row)

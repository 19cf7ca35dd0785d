"""Pairs of boxes of one picture, for all pictures at once, and how far they overlap."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PAIRS = 2_000_000  # in one portion: some 200 MB once they are compared


def places_in_runs(values: NDArray[Any]) -> Ints:
    """(n,) how many equal values stand directly before each."""
    index = np.arange(len(values))
    starts = (
        np.concatenate(([True], values[1:] != values[:-1]))
        if len(values)
        else np.zeros(0, np.bool_)
    )
    return np.asarray(index - np.maximum.accumulate(np.where(starts, index, 0)), np.int64)


def overlaps(a: Floats, b: Floats, crowd: NDArray[np.bool_]) -> Floats:
    """(n,) IoU of boxes (n, 4) left, top, width, height, row by row; over a crowd the share of `a` that lies in it."""
    width = np.minimum(a[:, 0] + a[:, 2], b[:, 0] + b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 1] + a[:, 3], b[:, 1] + b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    meet = (width > 0) & (height > 0)
    inner = np.where(meet, width * height, 0.0)
    area = a[:, 2] * a[:, 3]
    union = np.where(crowd, area, area + b[:, 2] * b[:, 3] - inner)
    return np.divide(inner, union, out=np.zeros_like(inner), where=meet)


def pairs_of(keys: Ints, others: Ints) -> Sequence[tuple[Ints, Ints]]:
    """Every (i, j) with keys[i] = others[j], by i and then j, in portions that fit into memory."""
    order = np.argsort(others, kind="stable")
    low = np.searchsorted(others[order], keys, side="left")
    count = np.searchsorted(others[order], keys, side="right") - low
    mine = np.flatnonzero(count)
    portions = []
    for part in np.split(mine, _cuts(count[mine])):
        times = count[part]
        i = np.repeat(part, times)
        offset = np.arange(len(i)) - np.repeat(times.cumsum() - times, times)
        portions.append((i, order[np.repeat(low[part], times) + offset]))
    return portions


def _cuts(counts: Ints) -> Ints:
    """Where to cut a list so that the counts of no portion come to much more than `_PAIRS`."""
    total = counts.cumsum()
    return np.searchsorted(
        total, np.arange(_PAIRS, int(total[-1]) if len(total) else 0, _PAIRS)
    ).astype(np.int64)

"""Boxes that are probably not what they were meant to be."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from suite.datasets.split import Picture, Split

_TINY = 3.0  # pixels of the shorter side
_WHOLE = 0.95  # of the picture's area
_STRETCHED = 20.0  # times the shorter side
_SAME = 0.9  # IoU

TINY = f"box with a side under {_TINY:g} pixels"
WHOLE = f"box of {100 * _WHOLE:g} % of the picture or more"
STRETCHED = f"box more than {_STRETCHED:g} times as long as wide"
TWICE = "object annotated twice: same class, same box"
DISPUTED = "one box, two classes"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A picture and the indices of its boxes that are meant."""

    picture: Picture
    boxes: tuple[int, ...]


def suspects(split: Split) -> dict[str, list[Suspect]]:
    """Suspicious boxes by kind; crowd regions, which may be anything, are none."""
    by_kind: dict[str, list[Suspect]] = {}
    for picture in split.pictures:
        for kind, indices in _of(picture):
            if indices:
                by_kind.setdefault(kind, []).append(Suspect(picture, indices))
    return by_kind


def _of(picture: Picture) -> Iterator[tuple[str, tuple[int, ...]]]:
    if not len(picture.boxes):
        return
    sides = picture.boxes[:, 2:]
    shorter, longer = sides.min(axis=1), sides.max(axis=1)
    single = ~picture.crowd
    tests = {
        TINY: shorter < _TINY,
        WHOLE: sides.prod(axis=1) >= _WHOLE * picture.width * picture.height,
        STRETCHED: longer > _STRETCHED * shorter,
    }
    for kind, fails in tests.items():
        yield kind, tuple(np.nonzero(fails & single)[0].tolist())
    doubles = np.argwhere(np.triu(_overlaps(picture) >= _SAME, 1) & single[:, None] & single)
    equal = [picture.labels[a] == picture.labels[b] for a, b in doubles]
    yield TWICE, tuple({int(b) for (_, b), same in zip(doubles, equal, strict=True) if same})
    yield DISPUTED, tuple({int(b) for (_, b), same in zip(doubles, equal, strict=True) if not same})


def _overlaps(picture: Picture) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """IoU of every box with every other."""
    low, high = picture.boxes[:, :2], picture.boxes[:, :2] + picture.boxes[:, 2:]
    shared = np.clip(np.minimum(high[:, None], high) - np.maximum(low[:, None], low), 0, None).prod(
        axis=2
    )
    area = picture.boxes[:, 2:].prod(axis=1)
    return np.asarray(shared / (area[:, None] + area - shared), np.float64)

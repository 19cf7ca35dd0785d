"""What a detector loses AP to: six kinds of errors, each with the AP50 that mending it alone would give.

In the manner of TIDE (Bolya et al. 2020, arXiv 2008.08115), on the very detections and matches that
AP50 is made of: those of COCO at IoU 0.5, at most 100 a picture and category. A false detection is,
first that fits:

- localisation: overlaps an object of its own class most with an IoU from 0.1 to under 0.5;
- classification: overlaps an object of another class with 0.5 or more;
- duplicate: overlaps an object of its own class with 0.5 or more, which a better detection has taken;
- background: overlaps no object with 0.1 or more;
- both: the rest, which overlaps objects of other classes by less than 0.5.

Missed is an object that nothing found and that no localisation or classification error would find if it were mended.
Mending: localisation and classification errors become right if their object is not found otherwise, the best scored
one of each object; the others of these two kinds, and all of the other kinds, are taken away; missed objects are not
counted. A class that has no object left keeps AP 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.metrics.accuracy.coco_match import Detections, Trace, Truth
from suite.metrics.accuracy.pairs import overlaps, pairs_of
from suite.metrics.definitions import ERROR_KINDS
from suite.stats.coco import precision_at_recalls

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WHOLES = ("false_positives", "false_negatives")
FOREGROUND, BACKGROUND = 0.5, 0.1  # IoU


@dataclass(frozen=True, slots=True)
class Errors:
    """By kind: how many there are, and AP50 after mending minus AP50 before; `lost` has `WHOLES` too."""

    counts: dict[str, int]
    lost: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Sorted:
    """Detections by falling score within their category, as AP takes them."""

    category: Ints
    score: Floats
    correct: Bools
    counted: Bools
    objects: Ints  # (K,) of each category

    def ap50(self, there: Bools) -> float:
        curve = precision_at_recalls(
            self.correct, self.counted, self.category.astype(np.int32), self.objects
        )
        return float(curve[there].mean()) if there.any() else 0.0


def errors(truth: Truth, detections: Detections, traced: Trace) -> Errors:
    """Tell the errors of a set of detections apart."""
    matches = traced.matches
    correct, ignored = matches.flags(0, 0)
    best = _best(truth, detections, traced, np.flatnonzero(~correct & ~ignored))
    kinds = _kinds(best)
    objects = matches.objects()[:, 0]
    state = _Sorted(matches.category.astype(np.int64), matches.score, correct, ~ignored, objects)
    taken = np.zeros(len(truth.crowd), np.bool_)
    taken[traced.took[traced.took >= 0]] = True
    missed = ~truth.crowd & ~taken
    for kind in ("localisation", "classification"):
        missed[best.target(kind)[kinds[kind]]] = False
    there = objects > 0
    before = state.ap50(there)
    lost = {
        kind: mended.ap50(there) - before
        for kind, mended in _mended(state, best, kinds, truth, (taken, missed))
    }
    counts = {kind: int(kinds[kind].sum()) for kind in ERROR_KINDS[:-1]} | {
        "missed": int(missed.sum())
    }
    return Errors(counts, {kind: lost[kind] for kind in (*ERROR_KINDS, *WHOLES)})


@dataclass(frozen=True, slots=True, eq=False)
class _Best:
    """For each false detection (rows of the sorted ones) the object that it overlaps most, of its class and of others.

    Overlaps are 0 and objects -1 where there is none.
    """

    rows: Ints
    same_iou: Floats
    same: Ints
    other_iou: Floats
    other: Ints

    def target(self, kind: str) -> Ints:
        """The object that an error of this kind is about."""
        return self.same if kind == "localisation" else self.other


def _best(truth: Truth, detections: Detections, traced: Trace, rows: Ints) -> _Best:
    solid = np.flatnonzero(~truth.crowd)
    size = len(rows)
    best = _Best(rows, np.zeros(size), np.full(size, -1), np.zeros(size), np.full(size, -1))
    picture = traced.matches.picture[rows].astype(np.int64)
    category, boxes = traced.matches.category[rows], detections.boxes[traced.rows[rows]]
    for i, j in pairs_of(picture, truth.picture[solid]):
        target = solid[j]
        iou = overlaps(boxes[i], truth.boxes[target], np.zeros(len(i), np.bool_))
        in_class = category[i] == truth.category[target]
        for kind, best_iou, best_target in (
            (in_class, best.same_iou, best.same),
            (~in_class, best.other_iou, best.other),
        ):
            which = np.flatnonzero(kind & (iou >= BACKGROUND))
            # the last to be written stays: the greatest overlap, of equal ones the first object
            order = which[np.lexsort((-target[which], iou[which]))]
            best_iou[i[order]], best_target[i[order]] = iou[order], target[order]
    return best


def _kinds(best: _Best) -> dict[str, Bools]:
    """Which of the false detections are of each kind; every one is of exactly one."""
    localisation = (best.same_iou >= BACKGROUND) & (best.same_iou < FOREGROUND)
    classification = ~localisation & (best.other_iou >= FOREGROUND)
    duplicate = ~localisation & ~classification & (best.same_iou >= FOREGROUND)
    rest = ~localisation & ~classification & ~duplicate
    background = rest & (best.other_iou < BACKGROUND)
    return {
        "classification": classification,
        "localisation": localisation,
        "both": rest & ~background,
        "duplicate": duplicate,
        "background": background,
    }


def _mended(
    state: _Sorted, best: _Best, kinds: dict[str, Bools], truth: Truth, seen: tuple[Bools, Bools]
) -> Iterator[tuple[str, _Sorted]]:
    """The detections with the errors of one kind mended, kind by kind; `seen` are objects taken and missed."""
    taken, missed = seen
    for kind in ("localisation", "classification"):
        yield (
            kind,
            _righted(state, best.rows[kinds[kind]], best.target(kind)[kinds[kind]], truth, taken),
        )
    for kind in ("both", "duplicate", "background"):
        yield kind, _without(state, best.rows[kinds[kind]])
    gone = np.bincount(truth.category[missed], minlength=len(state.objects))
    yield "missed", _with_objects(state, state.objects - gone)
    yield "false_positives", _without(state, best.rows)
    reached = np.bincount(state.category[state.correct], minlength=len(state.objects))
    yield "false_negatives", _with_objects(state, reached)


def _without(state: _Sorted, rows: Ints) -> _Sorted:
    counted = state.counted.copy()
    counted[rows] = False
    return _Sorted(state.category, state.score, state.correct, counted, state.objects)


def _with_objects(state: _Sorted, objects: Ints) -> _Sorted:
    return _Sorted(state.category, state.score, state.correct, state.counted, objects)


def _righted(state: _Sorted, rows: Ints, target: Ints, truth: Truth, taken: Bools) -> _Sorted:
    """Each row finds its target, in the target's class, unless that is taken or a better scored row finds it."""
    order = np.argsort(-state.score[rows], kind="stable")
    _, first = np.unique(target[order], return_index=True)
    winners = order[first]
    winners = winners[~taken[target[winners]]]
    category, correct = state.category.copy(), state.correct.copy()
    counted = state.counted.copy()
    counted[rows] = False
    counted[rows[winners]] = correct[rows[winners]] = True
    category[rows[winners]] = truth.category[target[winners]]
    again = np.lexsort((-state.score, category))
    return _Sorted(
        category[again], state.score[again], correct[again], counted[again], state.objects
    )

"""From detections to measurements: COCO's numbers, curves, error kinds and calibration. Needs no model and no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from suite.evidence import Evidence
from suite.metrics.accuracy import errors
from suite.metrics.accuracy.calibration import calibration
from suite.metrics.accuracy.coco_match import Detections, Truth, trace
from suite.metrics.accuracy.coco_reference import agree, pycocotools_numbers
from suite.metrics.accuracy.curves import Curves, curves
from suite.metrics.definitions import AP, AP50, CALIBRATION, COCO, ERROR_KINDS, ERRORS
from suite.metrics.evidence.accuracy import (
    Ap50Parts,
    ApParts,
    ErrorCount,
    PrecisionRecall,
    Reliability,
    ScoreBin,
    WorkingPoint,
)
from suite.record import Json, Measurement
from suite.stats.coco import Rates, class_ap, rates, summary
from suite.stats.matches import AREAS, IOU_THRESHOLDS, RECALL_THRESHOLDS, Matches

Evaluator = Literal["checked", "fast", "pycocotools"]
"""Who computes the twelve: the fast twin with pycocotools beside it, the twin alone, or pycocotools alone."""

_STEP = 5  # of 101 recalls one in five is kept for drawing


@dataclass(frozen=True, slots=True)
class Assessment:
    """What detections are worth, and the matches that it was computed from."""

    measurements: tuple[Measurement, ...]
    matches: Matches


def assess(
    truth: Truth,
    detections: Detections,
    settings: Mapping[str, Json],
    *,
    evaluator: Evaluator = "checked",
    annotations: Callable[[], Mapping[str, Any]],
) -> Assessment:
    """Score detections.

    Args:
        truth: the objects.
        detections: the detections.
        settings: how the detections came about; kept with every measurement.
        evaluator: who computes the twelve numbers.
        annotations: gives the objects in COCO's form, for pycocotools.

    Raises:
        EvaluatorError: the fast twin and pycocotools disagree.
    """
    traced = trace(truth, detections)
    table = rates(traced.matches)
    stats = summary(table)
    agreement = None
    if evaluator != "fast":
        reference = pycocotools_numbers(annotations(), results_of(truth, detections))
        if evaluator == "checked":
            agreement = agree([metric.name for metric in COCO], stats, reference)
        else:
            stats = reference
    by_whom = "pycocotools" if evaluator == "pycocotools" else "fast"
    parts = replace(_ap_parts(table, traced.matches), evaluator=by_whom, agreement=agreement)
    measurements = (
        *_numbers(stats, settings, parts, _ap50_parts(table, traced.matches)),
        *_errors(errors.errors(truth, detections, traced), settings),
        *_calibration(traced.matches, settings),
    )
    return Assessment(measurements, traced.matches)


def results_of(
    truth: Truth, detections: Detections, *, own_ids: bool = False
) -> list[dict[str, Any]]:
    """Detections as COCO results: image_id, category_id, bbox (left, top, width, height), score.

    `own_ids` are those of the data set's file, which may be too large for an array.
    """
    pictures, categories = truth.pictures.tolist(), truth.categories.tolist()
    if own_ids:
        pictures, categories = truth.own_pictures or pictures, truth.own_categories or categories
    return [
        {
            "image_id": pictures[picture],
            "category_id": categories[category],
            "bbox": box,
            "score": score,
        }
        for picture, category, box, score in zip(
            detections.picture.tolist(),
            detections.category.tolist(),
            detections.boxes.tolist(),
            detections.score.tolist(),
            strict=True,
        )
    ]


def _numbers(
    stats: Sequence[float], settings: Mapping[str, Json], ap: ApParts, ap50: Ap50Parts
) -> list[Measurement]:
    """One measurement each; a number that COCO gives as -1 is left out, which stands beside AP."""
    values = {metric.name: value for metric, value in zip(COCO, stats, strict=True)}
    absent = {
        name: "no such object in the validation pictures"
        for name, value in values.items()
        if value < 0
    }
    evidence: dict[str, Evidence] = {AP.name: replace(ap, absent=absent or None), AP50.name: ap50}
    measurements = []
    for metric in COCO:
        value, beside = values[metric.name], evidence.get(metric.name)
        if value >= 0:
            notes = beside.as_json if beside else {}
            measurements.append(
                metric.measured((value,), form="trained", settings=settings, notes=notes)
            )
    return measurements


def _ap_parts(table: Rates, matches: Matches) -> ApParts:
    """AP by class, and by size."""
    objects = matches.objects()[:, 0].tolist()
    sizes = {
        size: _named(matches, class_ap(table, area=area)) for area, size in enumerate(AREAS) if area
    }
    return ApParts(
        by_class=_named(matches, class_ap(table)),
        by_class_and_size=sizes,
        objects=dict(zip(matches.names, objects, strict=True)),
    )


def _ap50_parts(table: Rates, matches: Matches) -> Ap50Parts:
    """AP50 by class, YOLOv5's working point, and curves."""
    point = _curves(matches)
    names = [matches.names[k] for k in point.classes.tolist()]
    working_point = WorkingPoint(
        confidence=point.confidence,
        precision=dict(zip(names, point.precision.tolist(), strict=True)),
        recall=dict(zip(names, point.recall.tolist(), strict=True)),
    )
    return Ap50Parts(
        by_class=_named(matches, class_ap(table, thresholds=[0])),
        working_point=working_point,
        precision_recall=_thinned(table, matches),
    )


def _named(matches: Matches, values: NDArray[np.float64]) -> dict[str, float | None]:
    """By class name; None for a class without objects."""
    return {
        name: None if value < 0 else value
        for name, value in zip(matches.names, values.tolist(), strict=True)
    }


def _thinned(table: Rates, matches: Matches) -> PrecisionRecall:
    """Precision at some recalls, for objects of any size: the mean over the classes and, at IoU 0.5, each class."""
    precision = table.precision[:, ::_STEP, :, 0]  # (thresholds, recalls, categories)
    there = np.flatnonzero(precision[0, 0] >= 0)
    mean = np.zeros(precision.shape[:2])
    if len(there):
        mean = precision[:, :, there].mean(axis=2).round(4)
    return PrecisionRecall(
        recall=tuple(RECALL_THRESHOLDS[::_STEP].round(2).tolist()),
        mean={
            f"{iou:.2f}": tuple(row.tolist()) for iou, row in zip(IOU_THRESHOLDS, mean, strict=True)
        },
        by_class={
            matches.names[k]: tuple(precision[0, :, k].round(4).tolist()) for k in there.tolist()
        },
    )


def _curves(matches: Matches) -> Curves:
    """YOLOv5's precision and recall, from the same matches; what is ignored (crowds) is left out."""
    kept = ~matches.flags(0, 0)[1]
    correct = np.stack([matches.flags(0, t)[0][kept] for t in range(len(IOU_THRESHOLDS))], axis=1)
    truth = matches.truth_category[(matches.truth_counted & 1) != 0]
    return curves(
        correct,
        matches.score[kept],
        matches.category[kept].astype(np.int64),
        truth.astype(np.int64),
    )


def _errors(analysis: errors.Errors, settings: Mapping[str, Json]) -> list[Measurement]:
    bounds: dict[str, Json] = {"foreground": errors.FOREGROUND, "background": errors.BACKGROUND}
    kinds = (*ERROR_KINDS, *errors.WHOLES)
    return [
        metric.measured(
            (analysis.lost[kind],),
            form="trained",
            settings={**settings, **bounds},
            notes=ErrorCount(analysis.counts.get(kind)).as_json,
        )
        for metric, kind in zip(ERRORS, kinds, strict=True)
    ]


def _calibration(matches: Matches, settings: Mapping[str, Json]) -> list[Measurement]:
    calibrated = calibration(matches)
    if calibrated.error is None:
        return []
    bins = tuple(
        ScoreBin(one.low, one.high, one.count, round(one.score, 4), round(one.precision, 4))
        for one in calibrated.bins
    )
    noted = Reliability(bins)
    return [
        CALIBRATION.measured(
            (calibrated.error,), form="trained", settings=settings, notes=noted.as_json
        )
    ]

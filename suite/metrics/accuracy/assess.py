"""From detections to measurements: COCO's numbers, curves, error kinds and calibration. Needs no model and no torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from suite.metrics.accuracy import errors
from suite.metrics.accuracy.calibration import METRIC as CALIBRATION
from suite.metrics.accuracy.calibration import calibration
from suite.metrics.accuracy.coco_match import Found, Truth, trace
from suite.metrics.accuracy.coco_reference import agree, pycocotools_numbers
from suite.metrics.accuracy.curves import Curves, curves
from suite.record import Json, Measurement, Metric
from suite.stats.coco import Rates, class_ap, rates, summary
from suite.stats.matches import AREAS, IOU_THRESHOLDS, RECALL_THRESHOLDS, Matches

VERSION = 1
NUMBERS: tuple[Metric, ...] = tuple(
    Metric(name, title, "", "higher", VERSION, 3, "accuracy")
    for name, title in {
        "ap": "AP",
        "ap50": "AP50",
        "ap75": "AP75",
        "ap_small": "AP of small objects",
        "ap_medium": "AP of medium objects",
        "ap_large": "AP of large objects",
        "ar_1": "AR, 1 detection a picture",
        "ar_10": "AR, 10 detections a picture",
        "ar_100": "AR, 100 detections a picture",
        "ar_small": "AR of small objects",
        "ar_medium": "AR of medium objects",
        "ar_large": "AR of large objects",
    }.items()
)
"""COCO's twelve, in the order of pycocotools' stats."""

METRICS: tuple[Metric, ...] = (*NUMBERS, *errors.METRICS, CALIBRATION)

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
    found: Found,
    settings: Mapping[str, Json],
    *,
    evaluator: Evaluator = "checked",
    annotations: Callable[[], Mapping[str, Any]],
) -> Assessment:
    """Score detections.

    Args:
        truth: the objects.
        found: the detections.
        settings: how the detections came about; kept with every measurement.
        evaluator: who computes the twelve numbers.
        annotations: gives the objects in COCO's form, for pycocotools.

    Raises:
        EvaluatorError: the fast twin and pycocotools disagree.
    """
    traced = trace(truth, found)
    table = rates(traced.matches)
    stats = summary(table)
    evidence: dict[str, Json] = {
        "evaluator": "pycocotools" if evaluator == "pycocotools" else "fast"
    }
    if evaluator != "fast":
        authority = pycocotools_numbers(annotations(), results_of(truth, found))
        if evaluator == "checked":
            evidence["agreement"] = agree([metric.name for metric in NUMBERS], stats, authority)
        else:
            stats = authority
    measured = [
        *_numbers(stats, settings, _notes(table, traced.matches, evidence)),
        *_errors(errors.errors(truth, found, traced), settings),
        *_calibration(traced.matches, settings),
    ]
    return Assessment(tuple(measured), traced.matches)


def results_of(truth: Truth, found: Found) -> list[dict[str, Any]]:
    """Detections as COCO results: image_id, category_id, bbox (left, top, width, height), score."""
    return [
        {"image_id": picture, "category_id": category, "bbox": box, "score": score}
        for picture, category, box, score in zip(
            truth.pictures[found.picture].tolist(),
            truth.categories[found.category].tolist(),
            found.boxes.tolist(),
            found.score.tolist(),
            strict=True,
        )
    ]


def _numbers(
    stats: Sequence[float], settings: Mapping[str, Json], notes: Mapping[str, dict[str, Json]]
) -> list[Measurement]:
    """One measurement each; a number that COCO gives as -1 is left out, and the first one's notes say so."""
    values = {metric.name: value for metric, value in zip(NUMBERS, stats, strict=True)}
    absent: dict[str, Json] = {
        name: "no such object in the validation pictures"
        for name, value in values.items()
        if value < 0
    }
    notes = {**notes, "ap": {**notes["ap"], **({"absent": absent} if absent else {})}}
    return [
        Measurement(name, VERSION, "", "trained", (value,), settings, notes.get(name, {}))
        for name, value in values.items()
        if value >= 0
    ]


def _notes(
    table: Rates, matches: Matches, evidence: Mapping[str, Json]
) -> dict[str, dict[str, Json]]:
    """The evidence beside the numbers, by class name and by size."""
    objects = matches.objects()
    sizes: dict[str, Json] = {
        size: _named(matches, class_ap(table, area=area)) for area, size in enumerate(AREAS) if area
    }
    point = _curves(matches)
    names = [matches.names[k] for k in point.classes.tolist()]
    working: dict[str, Json] = {
        "confidence": point.confidence,
        "precision": dict(zip(names, point.precision.tolist(), strict=True)),
        "recall": dict(zip(names, point.recall.tolist(), strict=True)),
    }
    return {
        "ap": {
            **evidence,
            "by_class": _named(matches, class_ap(table)),
            "by_class_and_size": sizes,
            "objects": dict(zip(matches.names, objects[:, 0].tolist(), strict=True)),
        },
        "ap50": {
            "by_class": _named(matches, class_ap(table, thresholds=[0])),
            "working_point": working,
            "precision_recall": _thinned(table, matches),
        },
    }


def _named(matches: Matches, values: NDArray[np.float64]) -> Json:
    """By class name; None for a class without objects."""
    return {
        name: None if value < 0 else value
        for name, value in zip(matches.names, values.tolist(), strict=True)
    }


def _thinned(table: Rates, matches: Matches) -> Json:
    """Precision at some recalls, for objects of any size: the mean over the classes and, at IoU 0.5, each class."""
    precision = table.precision[:, ::_STEP, :, 0]  # (thresholds, recalls, categories)
    there = np.flatnonzero(precision[0, 0] >= 0)
    mean = (
        precision[:, :, there].mean(axis=2).round(4)
        if len(there)
        else np.zeros((*precision.shape[:2],))
    )
    return {
        "recall": RECALL_THRESHOLDS[::_STEP].round(2).tolist(),
        "mean": {f"{iou:.2f}": row for iou, row in zip(IOU_THRESHOLDS, mean.tolist(), strict=True)},
        "by_class": {
            matches.names[k]: precision[0, :, k].round(4).tolist() for k in there.tolist()
        },
    }


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


def _errors(found: errors.Errors, settings: Mapping[str, Json]) -> list[Measurement]:
    bounds: dict[str, Json] = {"foreground": errors.FOREGROUND, "background": errors.BACKGROUND}
    return [
        Measurement(
            metric.name,
            metric.version,
            "",
            "trained",
            (found.lost[kind],),
            {**settings, **bounds},
            {"count": found.counts[kind]} if kind in found.counts else {},
        )
        for metric, kind in zip(errors.METRICS, (*errors.KINDS, *errors.WHOLES), strict=True)
    ]


def _calibration(matches: Matches, settings: Mapping[str, Json]) -> list[Measurement]:
    found = calibration(matches)
    if found.error is None:
        return []
    notes: dict[str, Json] = {"bins": [one.as_json for one in found.bins]}
    metric = CALIBRATION
    return [
        Measurement(metric.name, metric.version, "", "trained", (found.error,), settings, notes)
    ]

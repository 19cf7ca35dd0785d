"""What `eval` says: the twelve numbers, every class, what AP is lost to, and whether scores can be trusted."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TypeAlias

import click

from suite.cli.eval.others import counted_otherwise, numbered_anew
from suite.cli.output import say, table
from suite.datasets.split import Split
from suite.machine.eight_bits import stated_weight_bits
from suite.metrics.accuracy.curves import fitness
from suite.metrics.definitions import AP, AP50, CALIBRATION, COCO, ERROR_KINDS, ERRORS
from suite.metrics.evidence.accuracy import Agreement, Ap50Parts, ApParts, ErrorCount, WorkingPoint
from suite.record import Json, Measurement

ByMetric: TypeAlias = Mapping[str, Measurement]


def tell(measurements: Sequence[Measurement], val: Split) -> None:
    """COCO's numbers in COCO's order, then AP by class, then the error kinds."""
    by_metric = {m.metric: m for m in measurements}
    numbers = [(metric.title, _digits(_value(by_metric, metric.name))) for metric in COCO]
    table(("NUMBER", "VALUE"), numbers)
    if AP.name in by_metric:
        _tell_classes(by_metric)
    _tell_errors(by_metric)
    _tell_rest(by_metric)
    _tell_evaluators(by_metric, val)


def as_json_data(measurements: Sequence[Measurement], issues: list[Json]) -> Json:
    """The data of `eval --json`."""
    by_metric = {m.metric: m for m in measurements}
    ap, ap50 = _notes(by_metric, AP.name), _notes(by_metric, AP50.name)
    numbers: dict[str, Json] = {metric.name: _value(by_metric, metric.name) for metric in COCO}
    lost: dict[str, Json] = {
        metric.name.removeprefix("lost_"): _value(by_metric, metric.name) for metric in ERRORS
    }
    counts: dict[str, Json] = {
        kind: ErrorCount.from_json(by_metric[f"lost_{kind}"].notes).count for kind in ERROR_KINDS
    }
    settings = dict(measurements[0].settings)
    return {
        "numbers": numbers,
        "ap_by_class": ap.get("by_class", {}),
        "ap_by_class_and_size": ap.get("by_class_and_size", {}),
        "ap50_by_class": ap50.get("by_class", {}),
        "working_point": ap50.get("working_point", {}),
        "precision_recall": ap50.get("precision_recall", {}),
        "fitness": _fitness(by_metric) if AP50.name in by_metric else None,
        "lost": lost,
        "errors": counts,
        "calibration": {
            "error": _value(by_metric, CALIBRATION.name),
            "bins": _notes(by_metric, CALIBRATION.name).get("bins", []),
        },
        "evaluator": {key: ap[key] for key in ("evaluator", "agreement") if key in ap},
        "settings": settings | stated_weight_bits(str(settings.get("precision"))),
        "skipped": issues,
    }


def _tell_classes(by_metric: ByMetric) -> None:
    ap = ApParts.from_json(by_metric[AP.name].notes)
    ap50 = Ap50Parts.from_json(by_metric[AP50.name].notes)
    point = _working_point(by_metric)
    ap50_by_class, objects = ap50.by_class or {}, ap.objects or {}
    rows = [
        (
            name,
            _digits(value),
            _digits(ap50_by_class.get(name)),
            _digits(point.precision.get(name)),
            _digits(point.recall.get(name)),
            objects.get(name),
        )
        for name, value in (ap.by_class or {}).items()
    ]
    click.echo()
    table(("CLASS", "AP", "AP50", "PRECISION", "RECALL", "OBJECTS"), rows)


def _tell_errors(by_metric: ByMetric) -> None:
    rows = []
    for metric in ERRORS:
        measurement = by_metric.get(metric.name)
        if measurement is None:
            continue
        title = metric.title.removeprefix("AP50 lost to ")
        count = ErrorCount.from_json(measurement.notes).count
        rows.append((title, _digits(measurement.samples[0]), count))
    click.echo()
    table(("AP50 LOST TO", "AP50", "COUNT"), rows)


def _tell_rest(by_metric: ByMetric) -> None:
    if AP50.name in by_metric:
        confidence = _working_point(by_metric).confidence
        say(f"precision and recall at confidence {confidence:.3f}, where the mean F1 is best")
        say(
            f"fitness {_fitness(by_metric):.3f}, by which YOLOv5 chooses a checkpoint: 0.1 AP50 + 0.9 AP"
        )
    error = _value(by_metric, CALIBRATION.name)
    if error is not None:
        say(
            f"expected calibration error {error:.3f}: by so much scores and precision differ on average"
        )


def _tell_evaluators(by_metric: ByMetric, val: Split) -> None:
    agreement = _agreement(by_metric)
    if agreement:
        apart = agreement.largest_difference
        closely = f"to {apart:.0e}" if apart else "to the last bit"
        anew = numbered_anew(val)
        say(f"the twelve numbers equal those of {agreement.reference} {closely}{anew}")
    if AP.name in by_metric:
        for sentence in counted_otherwise(val):
            say(sentence)


def _notes(by_metric: ByMetric, metric: str) -> Mapping[str, Json]:
    return by_metric[metric].notes if metric in by_metric else {}


def _value(by_metric: ByMetric, metric: str) -> float | None:
    return by_metric[metric].samples[0] if metric in by_metric else None


def _agreement(by_metric: ByMetric) -> Agreement | None:
    return ApParts.from_json(_notes(by_metric, AP.name)).agreement


def _working_point(by_metric: ByMetric) -> WorkingPoint:
    """Where the mean F1 is best; there must be AP50."""
    point = Ap50Parts.from_json(by_metric[AP50.name].notes).working_point
    assert point is not None, "today's AP50 has one"
    return point


def _fitness(by_metric: ByMetric) -> float:
    """YOLOv5's one number; there must be AP50."""
    point = _working_point(by_metric)
    precision, recall = fmean(point.precision.values()), fmean(point.recall.values())
    return fitness(
        precision, recall, by_metric[AP50.name].samples[0], by_metric[AP.name].samples[0]
    )


def _digits(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"

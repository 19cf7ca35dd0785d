"""What `eval` says: the twelve numbers, every class, what AP is lost to, and whether scores can be trusted."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import click

from suite.cli.output import say, table
from suite.metrics.definitions import COCO, ERROR_KINDS, ERRORS
from suite.record import Json, Measurement


def tell(measurements: Sequence[Measurement]) -> None:
    """COCO's numbers in COCO's order, then AP by class, then the error kinds."""
    found = {m.metric: m for m in measurements}
    table(
        ("NUMBER", "VALUE"),
        [(metric.title, _digits(_value(found, metric.name))) for metric in COCO],
    )
    if "ap" in found:
        _tell_classes(found)
    _tell_errors(found)
    _tell_rest(found)


def as_json_data(measurements: Sequence[Measurement], issues: list[Json]) -> Json:
    """The data of `eval --json`."""
    found = {m.metric: m for m in measurements}
    ap, ap50 = (dict(found[name].notes) if name in found else {} for name in ("ap", "ap50"))
    numbers: dict[str, Json] = {metric.name: _value(found, metric.name) for metric in COCO}
    lost: dict[str, Json] = {
        metric.name.removeprefix("lost_"): _value(found, metric.name) for metric in ERRORS
    }
    counts: dict[str, Json] = {
        kind: found[f"lost_{kind}"].notes.get("count") for kind in ERROR_KINDS
    }
    calibration = found.get("calibration_error")
    return {
        "numbers": numbers,
        "ap_by_class": ap.get("by_class", {}),
        "ap_by_class_and_size": ap.get("by_class_and_size", {}),
        "ap50_by_class": ap50.get("by_class", {}),
        "working_point": ap50.get("working_point", {}),
        "precision_recall": ap50.get("precision_recall", {}),
        "fitness": _fitness(found) if "ap50" in found else None,
        "lost": lost,
        "errors": counts,
        "calibration": {
            "error": _value(found, "calibration_error"),
            "bins": calibration.notes["bins"] if calibration else [],
        },
        "evaluator": {key: ap[key] for key in ("evaluator", "agreement") if key in ap},
        "settings": dict(measurements[0].settings),
        "skipped": issues,
    }


def _tell_classes(found: Mapping[str, Measurement]) -> None:
    ap: dict[str, Any] = dict(found["ap"].notes)
    ap50: dict[str, Any] = dict(found["ap50"].notes)
    point = ap50["working_point"]
    click.echo()
    table(
        ("CLASS", "AP", "AP50", "PRECISION", "RECALL", "OBJECTS"),
        [
            (
                name,
                _digits(value),
                _digits(ap50["by_class"][name]),
                *(_digits(point[figure].get(name)) for figure in ("precision", "recall")),
                ap["objects"][name],
            )
            for name, value in ap["by_class"].items()
        ],
    )


def _tell_errors(found: Mapping[str, Measurement]) -> None:
    click.echo()
    table(
        ("AP50 LOST TO", "AP50", "COUNT"),
        [
            (
                metric.title.removeprefix("AP50 lost to "),
                _digits(m.samples[0]),
                m.notes.get("count", ""),
            )
            for metric in ERRORS
            if (m := found.get(metric.name))
        ],
    )


def _tell_rest(found: Mapping[str, Measurement]) -> None:
    if "ap50" in found:
        point: Any = found["ap50"].notes["working_point"]
        say(
            f"precision and recall at confidence {point['confidence']:.3f}, where the mean F1 is best"
        )
        say(
            f"fitness {_fitness(found):.3f}, by which YOLOv5 chooses a checkpoint: 0.1 AP50 + 0.9 AP"
        )
    error = _value(found, "calibration_error")
    if error is not None:
        say(
            f"expected calibration error {error:.3f}: by so much scores and precision differ on average"
        )
    agreement: Any = found["ap"].notes.get("agreement") if "ap" in found else None
    if agreement:
        apart = agreement["largest_difference"]
        closely = f"to {apart:.0e}" if apart else "to the last bit"
        say(f"the twelve numbers equal those of {agreement['with']} {closely}")


def _value(found: Mapping[str, Measurement], metric: str) -> float | None:
    return found[metric].samples[0] if metric in found else None


def _fitness(found: Mapping[str, Measurement]) -> float:
    """YOLOv5's one number; there must be AP50."""
    from suite.metrics.accuracy.curves import fitness

    point: Any = found["ap50"].notes["working_point"]
    precision, recall = (fmean(point[figure].values()) for figure in ("precision", "recall"))
    return fitness(precision, recall, found["ap50"].samples[0], found["ap"].samples[0])


def _digits(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"

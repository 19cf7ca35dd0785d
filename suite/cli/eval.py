"""`eval`: COCO's twelve numbers of one variant's checkpoint on the validation part of a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import click

from suite.cli.checkpoints import fitting_size, load_detector
from suite.cli.datasets import refusing_data
from suite.cli.options import allow_code_option, json_option, name_argument, variants_option
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.metrics.accuracy import METRICS
from suite.record import Json, Measurement

DEFAULT_IOU = 0.6  # YOLOv5's


@click.command("eval")
@name_argument
@variants_option
@allow_code_option
@click.option(
    "--weights",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint of `train` (.safetensors) or of YOLOv5 (.pt, read without executing anything in it).",
)
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="A data set; without it the built-in one.")
@click.option("--imgsz", type=click.IntRange(32), metavar="PIXELS", help="Default: what was trained at, or 640.")
@click.option("--conf", type=click.FloatRange(0, 1), default=0.001, show_default=True)
@click.option(
    "--iou", type=click.FloatRange(0, 1), help="Of the suppression. Default: the variant's own `nms`, or 0.6."
)
@click.option("--max-det", type=click.IntRange(1), default=300, show_default=True, help="Detections a picture.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True)
@click.option("--device", default="cpu", show_default=True)
@json_option
def command(
    name: str,
    variants: tuple[Path, ...],
    weights: Path,
    data: Path | None,
    *,
    imgsz: int | None,
    conf: float,
    iou: float | None,
    max_det: int,
    batch: int,
    device: str,
    allow_code: bool,
    as_json: bool,
) -> int:
    """Evaluate a checkpoint: pictures letterboxed to a square, boxes scored by pycocotools."""
    loaded = load_detector(name, weights, variants, allow_code=allow_code)
    size = fitting_size(imgsz, loaded)
    from suite.datasets.forms import read_split
    from suite.datasets.shapes import ensure
    from suite.metrics.accuracy import evaluate

    with refusing_data():
        val = read_split(data or ensure(Path("out/data/shapes-128px-1000-200-seed0")), "val")
        names = tuple(category.name for category in val.categories)
        if len(names) != loaded.model.classes:
            raise Refusal(
                ExitCode.USAGE,
                f"{weights}: scores {loaded.model.classes} classes, but {val.folder} has {len(names)}",
            )
        if names != loaded.names:
            say(f"warning: {val.folder} names its classes {_few(names)}, the weights {_few(loaded.names)}")
        evaluation = evaluate(
            loaded.model,
            val,
            image_size=size,
            batch=batch,
            confidence=conf,
            iou=DEFAULT_IOU if iou is None else iou,
            max_detections=max_det,
            suppression=loaded.suppression if iou is None else replace(loaded.suppression, iou=iou),
            device=device,
        )
    for issue in val.issues:
        say(f"warning: {issue.kind}: {issue.count} ({', '.join(issue.examples)})")
    if as_json:
        reply("eval", _json(evaluation.measurements, [issue.as_json() for issue in val.issues]))
    else:
        _tell(evaluation.measurements)
    return ExitCode.DONE


def _tell(measurements: Sequence[Measurement]) -> None:
    """COCO's numbers in COCO's order, then AP50 by class."""
    found = {m.metric: m for m in measurements}
    rows = [
        (metric.title, _digits(found[metric.name].samples[0] if metric.name in found else None))
        for metric in METRICS
        if metric.name != "detections"
    ]
    table(("NUMBER", "VALUE"), rows)
    if "ap50" not in found:
        return
    notes: dict[str, Any] = dict(found["ap50"].notes)
    point = notes["working_point"]
    click.echo()
    table(
        ("CLASS", "AP50", "PRECISION", "RECALL"),
        [
            (name, _digits(ap), *(_digits(point[figure].get(name)) for figure in ("precision", "recall")))
            for name, ap in notes["by_class"].items()
        ],
    )
    say(f"precision and recall at confidence {point['confidence']:.3f}, where the mean F1 is best")
    say(f"fitness {_fitness(found):.3f}, by which YOLOv5 chooses a checkpoint: 0.1 AP50 + 0.9 AP")


def _fitness(found: Mapping[str, Measurement]) -> float:
    """YOLOv5's one number; there must be AP50."""
    from suite.metrics.curves import fitness

    point: Any = found["ap50"].notes["working_point"]
    precision, recall = (fmean(point[figure].values()) for figure in ("precision", "recall"))
    return fitness(precision, recall, found["ap50"].samples[0], found["ap"].samples[0])


def _digits(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _json(measurements: Sequence[Measurement], issues: list[Json]) -> Json:
    found = {m.metric: m for m in measurements}
    numbers: dict[str, Json] = {
        metric.name: found[metric.name].samples[0] if metric.name in found else None for metric in METRICS
    }
    notes = found["ap50"].notes if "ap50" in found else {}
    return {
        "numbers": numbers,
        "ap50_by_class": notes.get("by_class", {}),
        "working_point": notes.get("working_point", {}),
        "fitness": _fitness(found) if "ap50" in found else None,
        "settings": dict(measurements[0].settings),
        "skipped": issues,
    }


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")

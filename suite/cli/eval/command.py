"""`eval`: COCO's twelve numbers of a variant's checkpoint, or of stored detections, on the validation part of a set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.cli.checkpoints import Loaded, fitting_size, load_detector
from suite.cli.errors import refusing_data
from suite.cli.eval.output import as_json_data, tell
from suite.cli.options import allow_code_option, complete_name, json_option, variants_option
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.protocols.setups import EAGER, Setup
from suite.record import Json, Measurement
from suite.runtimes import RuntimeUnfitError

if TYPE_CHECKING:
    from suite.datasets.split import Split
    from suite.stats.matches import Matches

DEFAULT_IOU = 0.6  # YOLOv5's


@dataclass(frozen=True, slots=True)
class _Scored:
    """What is told and, with `--out`, kept."""

    measurements: tuple[Measurement, ...]
    detections: Sequence[dict[str, Any]]
    matches: "Matches"


@click.command("eval")
@click.argument("name", required=False, shell_complete=complete_name)
@variants_option
@allow_code_option
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint of `train` (.safetensors) or of YOLOv5 (.pt, read without executing anything in it).",
)
@click.option(
    "--detections",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Score these COCO results (.json or .json.gz, as a run keeps them) in the place of a model's.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A data set; without it the built-in one.",
)
@click.option(
    "--imgsz",
    type=click.IntRange(32),
    metavar="PIXELS",
    help="Default: what was trained at, or 640.",
)
@click.option("--conf", type=click.FloatRange(0, 1), default=0.001, show_default=True)
@click.option(
    "--iou",
    type=click.FloatRange(0, 1),
    help="Of the suppression. Default: the variant's own `nms`, or 0.6; YOLOv5's published numbers have 0.65.",
)
@click.option(
    "--max-det",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="Detections a picture.",
)
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True)
@click.option(
    "--rect",
    is_flag=True,
    help="YOLOv5's batches of like shapes; AP then depends a little on --batch.",
)
@click.option(
    "--evaluator",
    type=click.Choice(("checked", "fast", "pycocotools")),
    default="checked",
    show_default=True,
    help="Who computes the numbers; checked: both, and they must be equal.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep detections and matches here.",
)
@click.option("--device", default="cpu", show_default=True)
@click.option(
    "--runtime",
    metavar="NAME",
    help="Detect with the deployed network in this runtime; `doctor` lists them.",
)
@click.option(
    "--precision", metavar="NAME", help="As the runtime has it: fp32, bf16, fp16, int8, ..."
)
@json_option
def command(
    name: str | None,
    variants: tuple[Path, ...],
    weights: Path | None,
    detections: Path | None,
    data: Path | None,
    *,
    imgsz: int | None,
    conf: float,
    iou: float | None,
    max_det: int,
    batch: int,
    rect: bool,
    evaluator: Any,
    out: Path | None,
    device: str,
    runtime: str | None,
    precision: str | None,
    allow_code: bool,
    as_json: bool,
) -> int:
    """Evaluate a checkpoint: pictures letterboxed to a square, boxes scored by COCO's rules.

    NAME and --weights, or --detections alone.
    """
    from suite.metrics.accuracy.coco_reference import EvaluatorError

    try:
        if detections is not None and name is None and weights is None:
            val = _read(data)
            scored = _recompute(detections, val, evaluator=evaluator)
        elif name is not None and weights is not None and detections is None:
            how: dict[str, Any] = {
                "confidence": conf,
                "iou": DEFAULT_IOU if iou is None else iou,
                "max_detections": max_det,
            }
            how |= {"batch": batch, "rectangular": rect, "evaluator": evaluator, "device": device}
            if runtime or precision:
                how["setup"] = _setup(device, runtime or EAGER, precision or "fp32", rect=rect)
            loaded = load_detector(name, weights, variants, allow_code=allow_code)
            how["image_size"] = fitting_size(imgsz, loaded)
            how["suppression"] = (
                loaded.suppression if iou is None else replace(loaded.suppression, iou=iou)
            )
            val = _read(data)
            scored = _evaluate(loaded, weights, val, how)
        else:
            raise Refusal(
                ExitCode.USAGE, "eval: needs NAME and --weights FILE, or --detections FILE alone"
            )
    except RuntimeUnfitError as error:
        raise Refusal(ExitCode.UNFIT, f"eval: {error}") from error
    except EvaluatorError as error:
        raise Refusal(ExitCode.VARIANT_FAILED, str(error)) from error
    for issue in val.issues:
        say(f"warning: {issue.kind}: {issue.count} ({', '.join(issue.examples)})")
    if out is not None:
        _keep(scored, out)
    if as_json:
        reply("eval", as_json_data(scored.measurements, [issue.as_json() for issue in val.issues]))
    else:
        tell(scored.measurements)
    return ExitCode.DONE


def _setup(device: str, runtime: str, precision: str, *, rect: bool) -> Setup:
    if rect:
        raise Refusal(
            ExitCode.USAGE,
            "eval: --rect changes the shape from batch to batch; a --runtime is given one",
        )
    return Setup(device, runtime, precision)


def _read(data: Path | None) -> "Split":
    from suite.datasets.builtin.shapes import ensure
    from suite.datasets.formats.forms import read_split

    with refusing_data():
        return read_split(data or ensure(Path("out/data/shapes-128px-1000-200-seed0")), "val")


def _evaluate(loaded: Loaded, weights: Path, val: "Split", how: dict[str, Any]) -> _Scored:
    from suite.metrics.accuracy.detections import evaluate

    names = tuple(category.name for category in val.categories)
    if len(names) != loaded.model.classes:
        raise Refusal(
            ExitCode.USAGE,
            f"{weights}: scores {loaded.model.classes} classes, but {val.folder} has {len(names)}",
        )
    if names != loaded.names:
        say(
            f"warning: {val.folder} names its classes {_few(names)}, the weights {_few(loaded.names)}"
        )
    with refusing_data():
        found = evaluate(loaded.model, val, **how)
    return _Scored(found.measurements, found.detections, found.matches)


def _recompute(file: Path, val: "Split", *, evaluator: Any) -> _Scored:
    """Score stored detections; nothing is known of the model that made them."""
    from suite.metrics.accuracy.assess import assess
    from suite.metrics.accuracy.coco_match import from_results, truth_of
    from suite.metrics.accuracy.stored import read_results

    truth = truth_of(val)
    try:
        results = read_results(file)
        found = from_results(truth, results)
    except ValueError as error:
        raise Refusal(
            ExitCode.USAGE, str(error) if str(file) in str(error) else f"{file}: {error}"
        ) from error
    settings: dict[str, Json] = {"detections": file.name, "pictures": len(val.pictures)}
    assessed = assess(
        truth, found, settings, evaluator=evaluator, annotations=lambda: val.annotations
    )
    return _Scored(assessed.measurements, results, assessed.matches)


def _keep(scored: _Scored, folder: Path) -> None:
    from suite.metrics.accuracy.stored import write_results
    from suite.stats import matches

    detections = write_results(scored.detections, folder / "detections.json.gz")
    say(f"kept {detections} and {matches.save(scored.matches, folder / 'matches.npz')}")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")

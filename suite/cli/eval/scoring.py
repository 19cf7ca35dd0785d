"""`eval`, when it is really called: a checkpoint or stored detections scored, told and kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suite.cli.checkpoints import fitting_size, load_detector
from suite.cli.errors import refusing_data
from suite.cli.eval.options import EvalOptions, Evaluator
from suite.cli.eval.output import as_json_data, tell
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.datasets.formats.forms import read_split
from suite.datasets.split import Split
from suite.files import WriteError
from suite.metrics.accuracy import detections
from suite.metrics.accuracy.assess import assess
from suite.metrics.accuracy.coco_match import from_results, truth_of
from suite.metrics.accuracy.coco_reference import EvaluatorError
from suite.metrics.accuracy.stored import read_results, write_results
from suite.protocols.setups import EAGER, Setup
from suite.record import Json, Measurement
from suite.runtimes import RuntimeUnfitError
from suite.session.data import data_or_built_in
from suite.session.detectors import LoadedDetector
from suite.stats import matches
from suite.stats.matches import Matches

DEFAULT_IOU = 0.6  # YOLOv5's


@dataclass(frozen=True, slots=True)
class _Scored:
    """What is told and, with `--out`, kept."""

    measurements: tuple[Measurement, ...]
    detections: Sequence[dict[str, Any]]
    matches: Matches


def evaluate(options: EvalOptions, *, as_json: bool) -> int:
    """Score a checkpoint or stored detections and tell the numbers; the exit code.

    Raises:
        Refusal: the options do not go together, or the weights, the data or the runtime cannot be used.
    """
    try:
        val, scored = _scored(options)
    except RuntimeUnfitError as error:
        raise Refusal(ExitCode.UNFIT, f"eval: {error}") from error
    except EvaluatorError as error:
        raise Refusal(ExitCode.VARIANT_FAILED, str(error)) from error
    for issue in val.issues:
        say(f"warning: {issue.kind}: {issue.count} ({', '.join(issue.examples)})")
    if not as_json:
        tell(scored.measurements)
    refused = _keep(scored, options.out)
    if as_json:
        issues: list[Json] = [issue.as_json() for issue in val.issues]
        reply("eval", as_json_data(scored.measurements, issues), refused)
    return ExitCode.UNFIT if refused else ExitCode.DONE


def _scored(options: EvalOptions) -> tuple[Split, _Scored]:
    """The data, and what was found there by the network, or in the file of detections."""
    name, weights, stored = options.name, options.weights, options.detections
    if stored is not None and name is None and weights is None:
        val = _read(options.data)
        return val, _recompute(stored, val, evaluator=options.evaluator)
    if name is None or weights is None or stored is not None:
        raise Refusal(
            ExitCode.USAGE, "eval: needs NAME and --weights FILE, or --detections FILE alone"
        )
    setup = _setup(options)
    loaded = load_detector(name, weights, options.variants, allow_code=options.allow_code)
    size = fitting_size(options.imgsz, loaded)
    val = _read(options.data)
    _check_classes(loaded, weights, val)
    return val, _evaluated(loaded, val, options, size=size, setup=setup)


def _setup(options: EvalOptions) -> Setup | None:
    """The runtime that detects; None for the network itself."""
    if not options.runtime and not options.precision:
        return None
    if options.rect:
        raise Refusal(
            ExitCode.USAGE,
            "eval: --rect changes the shape from batch to batch; a --runtime is given one",
        )
    return Setup(options.device, options.runtime or EAGER, options.precision or "fp32")


def _read(data: Path | None) -> Split:
    with refusing_data():
        return read_split(data_or_built_in(data), "val")


def _check_classes(loaded: LoadedDetector, weights: Path, val: Split) -> None:
    """Refuse another number of classes; say where only their names differ."""
    names = tuple(category.name for category in val.categories)
    classes = loaded.model.classes
    if len(names) != classes:
        raise Refusal(
            ExitCode.USAGE,
            f"{weights}: scores {classes} classes, but {val.folder} has {len(names)}",
        )
    if names != loaded.class_names:
        theirs, ours = _few(names), _few(loaded.class_names)
        say(f"warning: {val.folder} names its classes {theirs}, the weights {ours}")


def _evaluated(
    loaded: LoadedDetector, val: Split, options: EvalOptions, *, size: int, setup: Setup | None
) -> _Scored:
    suppression = loaded.suppression
    if options.iou is not None:
        suppression = replace(suppression, iou=options.iou)
    with refusing_data():
        evaluation = detections.evaluate(
            loaded.model,
            val,
            confidence=options.conf,
            iou=DEFAULT_IOU if options.iou is None else options.iou,
            max_detections=options.max_det,
            image_size=size,
            batch=options.batch,
            rectangular=options.rect,
            evaluator=options.evaluator,
            device=options.device,
            suppression=suppression,
            setup=setup,
        )
    return _Scored(evaluation.measurements, evaluation.detections, evaluation.matches)


def _recompute(file: Path, val: Split, *, evaluator: Evaluator) -> _Scored:
    """Score stored detections; nothing is known of the model that made them."""
    truth = truth_of(val)
    try:
        results = read_results(file)
        detected = from_results(truth, results)
    except ValueError as error:
        named = str(file) in str(error)
        raise Refusal(ExitCode.USAGE, str(error) if named else f"{file}: {error}") from error
    settings: dict[str, Json] = {"detections": file.name, "pictures": len(val.pictures)}
    assessed = assess(
        truth, detected, settings, evaluator=evaluator, annotations=lambda: val.annotations
    )
    return _Scored(assessed.measurements, results, assessed.matches)


def _keep(scored: _Scored, folder: Path | None) -> list[Json]:
    """Write detections and matches; what the disk refuses is told and given back, so that no number is lost."""
    if folder is None:
        return []
    try:
        detections = write_results(scored.detections, folder / "detections.json.gz")
        say(f"kept {detections} and {matches.save(scored.matches, folder / 'matches.npz')}")
    except WriteError as error:
        say(f"ablation: {error}")
        return [{"code": f"exit-{ExitCode.UNFIT:d}", "message": str(error)}]
    return []


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")

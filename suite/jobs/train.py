"""The training job: one variant, one seed, from scratch or from weights; the averaged model is kept and evaluated."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from suite.datasets.forms import read_split
from suite.datasets.loader import TrainingBatches
from suite.datasets.split import Split
from suite.jobs import JobError, Reporter, Result
from suite.metrics import TRAINING
from suite.metrics.accuracy import Evaluation, evaluate
from suite.metrics.authority import EvaluatorError
from suite.metrics.results import write_results
from suite.nn.detector import Detector, build
from suite.nn.transfer import start_from
from suite.nn.weights import WeightsError, save_checkpoint
from suite.plan import Job
from suite.protocols.protocol import Evaluation as Scored
from suite.record import Json, Measurement
from suite.spec.variant import Variant
from suite.spec.words import SCRATCH
from suite.stats import matches
from suite.train.diverged import TrainingDiverged
from suite.train.loop import Trained, train
from suite.train.recipe import Recipe
from suite.train.room import TrainingOutOfMemory
from suite.train.snapshot import CheckpointError, Every, Keeper, Snapshot

YOLOV5 = Scored(confidence=0.001, iou=0.6, max_detections=300)  # what YOLOv5 itself scores by default


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that decides the weights: what is trained, on which data, how, for how long; and where it is kept."""

    variant: Variant
    data: Path
    recipe: Recipe
    image_size: int  # pixels
    batch: int
    steps: int
    seed: int
    device: str = "cpu"
    evaluation: Scored = YOLOV5
    weights_sha256: str = ""  # what the variant's weights file must hold, "" for whatever it does
    checkpoint: Path | None = None  # the file to go on from where it is there, and to write while training
    every: Every = field(default_factory=Every)
    proof: Path | None = None  # where it is written that pycocotools agrees; without it that is always checked


@dataclass(frozen=True, slots=True)
class Taught:
    """What a lesson led to, and the facts that belong beside the checkpoint."""

    trained: Trained
    evaluation: Evaluation
    facts: dict[str, Json]
    keeper: Keeper | None

    def forget(self) -> None:
        """Delete the checkpoint of the training: what came of it is kept."""
        if self.keeper is not None:
            self.keeper.discard()


def execute(job: Job, reporter: Reporter) -> Result:
    """Train, evaluate, and keep the checkpoint, the detections and their matches beside the store.

    Raises:
        JobError: the training diverged, ran out of memory, or its checkpoint cannot be used or written.
        DataError: the data cannot be read any more.
    """
    assert job.seed is not None
    torch.set_num_threads(1)
    conditions = job.conditions
    protocol = conditions.protocol
    folder = conditions.out / "artifacts" / job.key
    lesson = Lesson(
        variant=job.variant,
        data=conditions.data.folder,
        recipe=conditions.recipe,
        image_size=protocol.image_size,
        batch=protocol.budget.batch,
        steps=protocol.budget.steps,
        seed=job.seed,
        device=conditions.train_device,
        evaluation=protocol.evaluation,
        weights_sha256=job.weights_sha256,
        checkpoint=folder / "checkpoint.json",
        proof=job.proof,
    )
    taught = teach(lesson, reporter)
    artifacts = _keep(taught, folder)
    taught.forget()
    return Result(
        (*taught.evaluation.measurements, *_training(taught.trained)),
        {"device": lesson.device, "threads": torch.get_num_threads(), "start": taught.facts["start"]},
        tuple(str(path.relative_to(conditions.out)) for path in artifacts),
    )


def teach(lesson: Lesson, reporter: Reporter) -> Taught:
    """Train on the training part of the data and evaluate the averaged model on the validation part.

    Raises:
        JobError: the training diverged, ran out of memory, cannot start from the variant's weights, or its checkpoint
            cannot be used or written.
        DataError: the data cannot be used.
        SpecError: the variant does not build.
    """
    reporter.stage("data")
    data, val = read_split(lesson.data, "train"), read_split(lesson.data, "val")
    keeper, resumed = _keeper(lesson, data.fingerprint)
    reporter.stage("build")
    model = build(lesson.variant, len(data.categories), seed=lesson.seed)
    start = begin(model, lesson)
    batches = TrainingBatches(
        data,
        image_size=lesson.image_size,
        batch=lesson.batch,
        steps=lesson.steps,
        seed=lesson.seed,
        augment=lesson.recipe.augment,
        image_weights=lesson.recipe.image_weights,
        start=resumed.step if resumed else 0,
        rect=lesson.recipe.rect,
        stride=max(32, *model.strides),
    )
    reporter.stage("train")
    try:
        trained = train(
            model,
            lesson.variant,
            batches,
            lesson.recipe,
            steps=lesson.steps,
            seed=lesson.seed,
            on_step=lambda progress: reporter.progress(progress.step, progress.steps),
            device=lesson.device,
            image_size=lesson.image_size,
            keeper=keeper,
            start=resumed,
        )
    except TrainingDiverged as error:
        raise JobError("non-finite", str(error)) from error
    except TrainingOutOfMemory as error:
        raise JobError("oom", str(error)) from error
    except CheckpointError as error:
        raise JobError("checkpoint", str(error)) from error
    reporter.stage("eval")
    evaluation = _evaluated(trained.ema_model, val, lesson)
    facts: dict[str, Json] = {
        "class_names": [category.name for category in data.categories],
        "image_size": lesson.image_size,
        "steps": lesson.steps,
        "batch": lesson.batch,
        "seed": lesson.seed,
        "data": data.fingerprint,
        "fingerprint": lesson.variant.fingerprint,
        "architecture": lesson.variant.architecture,
        "start": start,
    }
    return Taught(trained, evaluation, facts, keeper)


def _keeper(lesson: Lesson, data: str) -> tuple[Keeper | None, Snapshot | None]:
    """What writes the lesson's checkpoints, and the one that is there already.

    Raises:
        JobError: that one is another training's, or damaged.
    """
    if lesson.checkpoint is None:
        return None, None
    recipe: dict[str, Json] = asdict(lesson.recipe)
    identity: dict[str, Json] = {
        "network": lesson.variant.fingerprint,
        "data": data,
        "recipe": recipe,
        "image_size": lesson.image_size,
        "batch": lesson.batch,
        "steps": lesson.steps,
        "seed": lesson.seed,
        "device": torch.device(lesson.device).type,
        "weights": lesson.weights_sha256 or lesson.variant.weights,
        "torch": torch.__version__,
    }
    keeper = Keeper(lesson.checkpoint, identity, every=lesson.every)
    try:
        return keeper, keeper.load()
    except CheckpointError as error:
        raise JobError("checkpoint", str(error)) from error


def _evaluated(model: Detector, val: Split, lesson: Lesson) -> Evaluation:
    """Evaluate; the first of a run that does so compares the fast evaluator with pycocotools, and says so for all.

    Raises:
        JobError: the two disagree.
    """
    scored, proof = lesson.evaluation, lesson.proof
    check = scored.evaluator == "fast" and not (proof and proof.exists())
    try:
        found = evaluate(
            model,
            val,
            image_size=lesson.image_size,
            suppression=lesson.variant.nms,
            device=lesson.device,
            **asdict(scored) | ({"evaluator": "checked"} if check else {}),
        )
    except EvaluatorError as error:
        raise JobError("evaluator", str(error)) from error
    if check and proof:
        proof.parent.mkdir(parents=True, exist_ok=True)
        proof.write_text(json.dumps(found.agreement))
    return found


def begin(model: Detector, lesson: Lesson) -> dict[str, Json]:
    """Give the model the weights that its variant names, each layer its own; the record of what came of it.

    Raises:
        JobError: the file cannot be used, or is not the one that was planned with.
    """
    variant = lesson.variant
    if not variant.weights:
        return {"form": SCRATCH}
    try:
        start = start_from(model, variant, Path(variant.weights))
    except WeightsError as error:
        raise JobError("weights", str(error)) from error
    if lesson.weights_sha256 not in {"", start.sha256}:
        raise JobError("weights", f"{variant.weights}: has changed since the run was planned")
    return start.as_json


def _training(trained: Trained) -> tuple[Measurement, ...]:
    curve = trained.curve
    totals = tuple(point.box + point.obj + point.cls for point in curve)
    notes: dict[str, Json] = {
        "step": [point.step for point in curve],
        "box": [point.box for point in curve],
        "obj": [point.obj for point in curve],
        "cls": [point.cls for point in curve],
        "lr": [point.lr for point in curve],
    }
    curve_metric, seconds_metric = TRAINING
    return (
        Measurement(curve_metric.name, curve_metric.version, curve_metric.unit, "trained", totals, notes=notes),
        Measurement(seconds_metric.name, seconds_metric.version, seconds_metric.unit, "trained", (trained.seconds,)),
    )


def _keep(taught: Taught, folder: Path) -> tuple[Path, ...]:
    """The checkpoint with its facts, every detection, and their matches, which later statistics resample."""
    found = taught.evaluation
    return (
        save_checkpoint(folder / "weights.safetensors", taught.trained.ema_model, taught.facts),
        write_results(found.detections, folder / "detections.json.gz"),
        matches.save(found.matches, folder / "matches.npz"),
    )

"""The training job: one variant, one seed, from scratch or from weights; the averaged model is kept and evaluated."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from suite.datasets.formats.forms import read_split
from suite.datasets.loading.loader import TrainingBatches
from suite.datasets.split import Picture, Split
from suite.jobs import JobError, Reporter, Result
from suite.jobs.budget import Allowance, allowance, measure_budget
from suite.jobs.journal import Journal, has_tensorboard, open_board
from suite.metrics import TRAINING
from suite.metrics.accuracy.coco_reference import EvaluatorError
from suite.metrics.accuracy.curves import fitness
from suite.metrics.accuracy.detections import Evaluation, evaluate
from suite.metrics.accuracy.stored import write_results
from suite.nn.detector import Detector, build
from suite.nn.weights.checkpoint import WeightsError, save_checkpoint
from suite.nn.weights.transfer import start_from
from suite.plan import Job
from suite.protocols import Budget
from suite.protocols.loading import Loading
from suite.protocols.protocol import Evaluation as Scored
from suite.record import Json, Measurement
from suite.spec.records.variant import Variant
from suite.spec.records.vocabulary import SCRATCH
from suite.stats import matches
from suite.train.curve import Score
from suite.train.diverged import TrainingDiverged
from suite.train.loop import Progress, Trained, train
from suite.train.memory_limit import TrainingOutOfMemory
from suite.train.process_group import SINGLE, ProcessGroup
from suite.train.recipe import Recipe
from suite.train.snapshot import CheckpointError, Every, Keeper, Snapshot

YOLOV5 = Scored(
    confidence=0.001, iou=0.6, max_detections=300
)  # what YOLOv5 itself scores by default


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that decides the weights: what is trained, on which data, how, for how long; and where it is kept.

    `weights_sha256` is what the variant's weights file must hold, "" for whatever it does. `checkpoint` is the file to
    go on from where it is there, and to write while training; `curve` a CSV file, `tensorboard` a folder; in `proof` it
    is written that pycocotools agrees, which without such a file is always checked. In a `group` each process trains on
    its share of each batch and evaluates by itself; only the leader's files are written.
    """

    variant: Variant
    data: Path
    recipe: Recipe
    image_size: int  # pixels
    budget: Budget
    seed: int
    device: str = "cpu"
    evaluation: Scored = YOLOV5
    weights_sha256: str = ""
    checkpoint: Path | None = None
    every: Every = field(default_factory=Every)
    proof: Path | None = None
    curve: Path | None = None
    tensorboard: Path | None = None
    loading: Loading = field(default_factory=Loading)
    group: ProcessGroup = SINGLE


@dataclass(frozen=True, slots=True)
class Taught:
    """What a lesson led to, what it used, and the facts that belong beside the weights."""

    trained: Trained
    evaluation: Evaluation
    budget: Measurement
    facts: dict[str, Json]
    keeper: Keeper | None
    broken: tuple[Picture, ...]  # pictures that others took the place of

    def forget(self) -> None:
        """Delete the checkpoint of the training: what came of it is kept."""
        if self.keeper is not None:
            self.keeper.discard()


def execute(job: Job, reporter: Reporter) -> Result:
    """Train, evaluate, and keep weights, curve, detections and their matches. Goes on from a checkpoint if it can.

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
        budget=protocol.budget,
        seed=job.seed,
        device=conditions.train_device,
        evaluation=protocol.evaluation,
        weights_sha256=job.weights_sha256,
        checkpoint=folder / "checkpoint.json",
        proof=job.proof,
        loading=settled(protocol.loading, conditions.train_device, parallel=protocol.parallel),
        every=Every(60 * protocol.checkpoints.minutes, protocol.checkpoints.steps),
        curve=folder / "curve.csv",
    )
    taught = teach(lesson, reporter)
    artifacts = (*_keep(taught, folder), folder / "curve.csv")
    taught.forget()
    return Result(
        (*taught.evaluation.measurements, *_training(taught), taught.budget),
        {
            "device": lesson.device,
            "threads": torch.get_num_threads(),
            "start": taught.facts["start"],
        },
        tuple(str(path.relative_to(conditions.out)) for path in artifacts),
    )


def teach(
    lesson: Lesson, reporter: Reporter, listen: Callable[[Progress], None] | None = None
) -> Taught:
    """Train on the training part of the data and evaluate the averaged model on the validation part.

    Raises:
        JobError: the training diverged, ran out of memory, cannot start from the variant's weights, or its checkpoint
            cannot be used or written.
        DataError: the data cannot be used.
        SpecError: the variant does not build.
    """
    reporter.stage("data")
    data, val = read_split(lesson.data, "train"), read_split(lesson.data, "val")
    reporter.stage("build")
    model = build(lesson.variant, len(data.categories), seed=lesson.seed)
    start = begin(model, lesson)
    allowed = allowance(
        lesson.budget,
        lesson.variant,
        classes=model.classes,
        image_size=lesson.image_size,
        pictures=len(data.pictures),
    )
    keeper, resumed = _keeper(
        lesson, {"data": data.fingerprint, "weights": start.get("sha256", "")}
    )
    reporter.stage("train")

    def tell(progress: Progress) -> None:
        reporter.progress(progress.step, progress.steps)
        if listen is not None:
            listen(progress)

    leads = lesson.group.is_leader
    board = (
        open_board(lesson.tensorboard)
        if lesson.tensorboard and leads and has_tensorboard()
        else None
    )
    journal = Journal(
        lesson.curve if leads else None, lesson.budget.batch, resumed, listen=tell, board=board
    )
    pupil = _Pupil(lesson, model, keeper if leads else None, resumed, journal)
    try:
        batches = pupil.batches(data, allowed.steps)
        trained = pupil.trained(batches, val, allowed)
    except TrainingDiverged as error:
        raise JobError("non-finite", str(error)) from error
    except TrainingOutOfMemory as error:
        raise JobError("oom", str(error)) from error
    except CheckpointError as error:
        raise JobError("checkpoint", str(error)) from error
    finally:
        journal.close()
    reporter.stage("eval")
    evaluation = _evaluated(trained.ema_model, val, lesson)
    facts: dict[str, Json] = {
        "class_names": [category.name for category in data.categories],
        "image_size": lesson.image_size,
        "steps": trained.steps,
        "batch": lesson.budget.batch,
        "seed": lesson.seed,
        "data": data.fingerprint,
        "fingerprint": lesson.variant.fingerprint,
        "architecture": lesson.variant.architecture,
        "start": start,
    }
    used = measure_budget(lesson.budget, allowed, trained)
    return Taught(trained, evaluation, used, facts, keeper, batches.broken)


def settled(loading: Loading, device: str, *, parallel: int = 1) -> Loading:
    """The loading of one of so many trainings that share this machine."""
    cores = len(os.sched_getaffinity(0)) // parallel
    return loading.settled(cores=cores, accelerated=not device.startswith("cpu"))


@dataclass(frozen=True, slots=True)
class _Pupil:
    lesson: Lesson
    model: Detector
    keeper: Keeper | None
    resumed: Snapshot | None
    journal: Journal

    def batches(self, data: Split, steps: int) -> TrainingBatches:
        lesson = self.lesson
        return TrainingBatches(
            data,
            image_size=lesson.image_size,
            batch=lesson.budget.batch,
            steps=steps,
            seed=lesson.seed,
            augment=lesson.recipe.augment,
            image_weights=lesson.recipe.image_weights,
            start=self.resumed.step if self.resumed else 0,
            rect=lesson.recipe.rect,
            stride=max(32, *self.model.strides),
            share=(lesson.group.rank, lesson.group.size),
            loading=lesson.loading,
        )

    def trained(self, batches: TrainingBatches, val: Split, allowed: Allowance) -> Trained:
        lesson = self.lesson

        def evaluated(step: int, model: Detector) -> Score:
            score = _score(step, _evaluated(model, val, lesson))
            self.journal.score(score)
            return score

        return train(
            self.model,
            lesson.variant,
            batches,
            lesson.recipe,
            steps=allowed.steps,
            seconds=allowed.seconds,
            seed=lesson.seed,
            on_step=self.journal.step,
            evaluate=evaluated,
            device=lesson.device,
            image_size=lesson.image_size,
            keeper=self.keeper,
            start=self.resumed,
            group=lesson.group,
        )


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


def _score(step: int, evaluation: Evaluation) -> Score:
    found = {
        m.metric: m.samples[0]
        for m in evaluation.measurements
        if m.metric in {"ap", "ap50"} and m.samples
    }
    ap, ap50 = found.get("ap", 0.0), found.get("ap50", 0.0)
    return Score(step, ap, ap50, fitness(0, 0, ap50, ap))


def _keeper(lesson: Lesson, facts: Mapping[str, Json]) -> tuple[Keeper | None, Snapshot | None]:
    """What writes the lesson's checkpoints, and the one that is there already; `facts` too have to be the same.

    Raises:
        JobError: that one is another training's, or damaged.
    """
    if lesson.checkpoint is None:
        return None, None
    recipe: dict[str, Json] = asdict(lesson.recipe)
    identity: dict[str, Json] = {
        **facts,
        "network": lesson.variant.fingerprint,
        "recipe": recipe,
        "image_size": lesson.image_size,
        "batch": lesson.budget.batch,
        lesson.budget.kind: lesson.budget.amount,
        "seed": lesson.seed,
        "device": torch.device(lesson.device).type,
        "processes": lesson.group.size,
        "torch": torch.__version__,
    }
    keeper = Keeper(lesson.checkpoint, identity, every=lesson.every)
    try:
        return keeper, keeper.load()
    except CheckpointError as error:
        raise JobError("checkpoint", str(error)) from error


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


def _training(taught: Taught) -> tuple[Measurement, ...]:
    trained = taught.trained
    curve = trained.curve
    totals = tuple(point.box + point.obj + point.cls for point in curve)
    notes: dict[str, Json] = {
        "step": [point.step for point in curve],
        "box": [point.box for point in curve],
        "obj": [point.obj for point in curve],
        "cls": [point.cls for point in curve],
        "lr": [point.lr for point in curve],
    }
    if taught.broken:
        notes["broken_pictures"] = [picture.file.name for picture in taught.broken]
    curve_metric, seconds_metric, _ = TRAINING
    return (
        Measurement(
            curve_metric.name,
            curve_metric.version,
            curve_metric.unit,
            "trained",
            totals,
            notes=notes,
        ),
        Measurement(
            seconds_metric.name,
            seconds_metric.version,
            seconds_metric.unit,
            "trained",
            (trained.seconds,),
        ),
    )


def _keep(taught: Taught, folder: Path) -> tuple[Path, ...]:
    """The checkpoint with its facts, every detection, and their matches, which later statistics resample."""
    found = taught.evaluation
    return (
        save_checkpoint(folder / "weights.safetensors", taught.trained.ema_model, taught.facts),
        write_results(found.detections, folder / "detections.json.gz"),
        matches.save(found.matches, folder / "matches.npz"),
    )

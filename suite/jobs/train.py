"""The training job: one variant, one seed, from scratch or from weights; the averaged model is kept and evaluated."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from suite.datasets.formats.forms import read_parts
from suite.jobs import JobError, Reporter, Result
from suite.jobs.budget import allowance, measure_budget
from suite.jobs.validation import Validation
from suite.metrics.accuracy.detections import Evaluation
from suite.metrics.accuracy.stored import write_results
from suite.metrics.definitions import LOSS_CURVE, TRAIN_SECONDS
from suite.metrics.evidence.training import LossCurve
from suite.nn.weights.checkpoint import WeightsError, save_checkpoint
from suite.plan import Job
from suite.protocols.loading import Loading
from suite.record import Json, Measurement, Metric
from suite.stats import matches
from suite.train.diverged import TrainingDiverged
from suite.train.loop import Progress
from suite.train.memory_limit import TrainingOutOfMemory
from suite.train.run import TrainingResult, run_training
from suite.train.snapshot import CheckpointError, Every
from suite.train.training import Files, Training


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """A training that is over, and how its averaged model was scored."""

    result: TrainingResult
    evaluation: Evaluation

    @property
    def budget(self) -> Measurement:
        """What was used of the budget."""
        return measure_budget(self.result)


def execute(job: Job, reporter: Reporter) -> Result:
    """Train, evaluate, and keep weights, curve, detections and their matches. Goes on from a checkpoint if it can.

    Raises:
        JobError: the training diverged, ran out of memory, or its checkpoint cannot be used or written.
        DataError: the data cannot be read any more.
        SpecError: the variant does not build.
    """
    torch.set_num_threads(1)
    folder = job.conditions.out / "artifacts" / job.key
    training, validation = _order(job, folder, reporter)
    done = train_and_evaluate(training, validation, reporter)
    artifacts = _keep(done, folder)
    done.result.discard_checkpoint()
    return Result(
        (*done.evaluation.measurements, *training_measurements(done.result), done.budget),
        {
            "device": training.device,
            "threads": torch.get_num_threads(),
            "start": done.result.start,
        },
        tuple(str(path.relative_to(job.conditions.out)) for path in artifacts),
    )


def train_and_evaluate(
    training: Training,
    validation: Validation,
    reporter: Reporter,
    listen: Callable[[Progress], None] = lambda _: None,
) -> Evaluated:
    """Carry a training out, then score its averaged model.

    Raises:
        JobError: the training diverged, ran out of memory, cannot start from the variant's weights, or its checkpoint
            cannot be used or written; or the evaluators disagree.
        DataError: the data cannot be used.
        SpecError: the variant does not build.
    """

    def report(progress: Progress) -> None:
        reporter.progress(progress.step, progress.steps)
        listen(progress)

    with job_errors():
        result = run_training(
            training, on_begin=lambda: reporter.stage("train"), on_progress=report
        )
    reporter.stage("eval")
    return Evaluated(result, validation.evaluate(result.model))


@contextmanager
def job_errors() -> Iterator[None]:
    """Turn what may go wrong with one training into a JobError, with the code that it is stored under."""
    try:
        yield
    except TrainingDiverged as error:
        raise JobError("non-finite", str(error)) from error
    except TrainingOutOfMemory as error:
        raise JobError("oom", str(error)) from error
    except CheckpointError as error:
        raise JobError("checkpoint", str(error)) from error
    except WeightsError as error:
        raise JobError("weights", str(error)) from error


def settled(loading: Loading, device: str, *, parallel: int = 1) -> Loading:
    """The loading of one of so many trainings that share this machine."""
    cores = len(os.sched_getaffinity(0)) // parallel
    return loading.settled(cores=cores, accelerated=not device.startswith("cpu"))


def training_measurements(result: TrainingResult) -> tuple[Measurement, ...]:
    """The curve of the total loss, with its parts and the rate beside it, and the seconds of the loop."""
    curve = result.trained.curve
    totals = tuple(point.box + point.obj + point.cls for point in curve)
    notes = LossCurve(
        step=tuple(point.step for point in curve),
        box=tuple(point.box for point in curve),
        obj=tuple(point.obj for point in curve),
        cls=tuple(point.cls for point in curve),
        lr=tuple(point.lr for point in curve),
        broken_pictures=tuple(picture.file.name for picture in result.broken) or None,
    )
    return (
        _trained(LOSS_CURVE, totals, notes.as_json),
        _trained(TRAIN_SECONDS, (result.trained.seconds,), {}),
    )


def _trained(metric: Metric, samples: tuple[float, ...], notes: Mapping[str, Json]) -> Measurement:
    return Measurement(metric.name, metric.version, metric.unit, "trained", samples, notes=notes)


def _order(job: Job, folder: Path, reporter: Reporter) -> tuple[Training, Validation]:
    """The training that a job orders, and its evaluation; `folder` is where the training writes."""
    assert job.seed is not None
    conditions, variant = job.conditions, job.variant
    protocol, device = conditions.protocol, conditions.train_device
    reporter.stage("data")
    data, val = read_parts(conditions.data.folder, conditions.data.reading)
    reporter.stage("build")
    limits = allowance(
        protocol.budget,
        variant,
        classes=len(data.categories),
        image_size=protocol.image_size,
        pictures=len(data.pictures),
    )
    validation = Validation(
        val, variant, protocol.image_size, device, protocol.evaluation, job.proof
    )
    checkpoints = protocol.checkpoints
    training = Training(
        variant=variant,
        data=data,
        recipe=conditions.recipe,
        budget=protocol.budget,
        limits=limits,
        image_size=protocol.image_size,
        seed=job.seed,
        device=device,
        weights_sha256=job.weights_sha256,
        loading=settled(protocol.loading, device, parallel=protocol.parallel),
        files=Files(
            checkpoint=folder / "checkpoint.json",
            every=Every(60 * checkpoints.minutes, checkpoints.steps),
            curve=folder / "curve.csv",
        ),
        evaluate=validation.score,
    )
    return training, validation


def _keep(done: Evaluated, folder: Path) -> tuple[Path, ...]:
    """The checkpoint with its facts, every detection, and their matches, which later statistics resample; the curve."""
    evaluation = done.evaluation
    return (
        save_checkpoint(folder / "weights.safetensors", done.result.model, done.result.facts),
        write_results(evaluation.detections, folder / "detections.json.gz"),
        matches.save(evaluation.matches, folder / "matches.npz"),
        folder / "curve.csv",
    )

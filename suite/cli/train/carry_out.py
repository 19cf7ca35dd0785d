"""From the options of `train` to the record of a training, and what came of it on stdout."""

from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.errors import refusing_data
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.cli.train.options import Options
from suite.cli.train.progress import ProgressPrinter
from suite.datasets.formats.forms import read_parts
from suite.datasets.loading.shared import LoadingError
from suite.datasets.split import Reading, Split
from suite.files import WriteError
from suite.jobs import JobError
from suite.jobs.budget import allowance
from suite.jobs.train import Evaluated, settled, train_and_evaluate
from suite.jobs.validation import Validation
from suite.metrics.evidence.training import TrainingStart
from suite.nn.sizes import require_image_sizes
from suite.nn.weights.checkpoint import WeightsError, save_checkpoint
from suite.protocols import Budget
from suite.protocols.loading import AUTOMATIC
from suite.record import Json
from suite.session.anchors import tell_anchors
from suite.session.data import data_or_built_in
from suite.session.starts import tell_other_classes
from suite.spec.records.variant import Variant
from suite.train.finished import differs_from_finished
from suite.train.journal import has_tensorboard
from suite.train.process_group import joined_group
from suite.train.recipe import Recipe
from suite.train.snapshot import Every, UnwrittenCheckpointError
from suite.train.training import Files, Training


@dataclass(frozen=True, slots=True)
class _Paths:
    """Where a training writes: its weights, and what goes beside them."""

    weights: Path

    @property
    def checkpoint(self) -> Path:
        """What an interrupted training goes on from."""
        return self.weights.with_name(f"{self.weights.stem}.checkpoint.json")

    @property
    def curve(self) -> Path:
        """Losses and rates."""
        return self.weights.with_name(f"{self.weights.stem}.curve.csv")


def carry_out(
    options: Options, variant: Variant, recipe: Recipe, budget: Budget, *, as_json: bool
) -> int:
    """Train, evaluate, say what came of it and write the weights; the exit code.

    Raises:
        Refusal: an earlier training lies there, the data or the weights to start from cannot be used, or the training
            fails.
        SpecError: the variant does not build, or not for this image size.
    """
    paths = _Paths(options.out or Path(f"{variant.name}.safetensors"))
    require_image_sizes((variant,), {"--imgsz": options.imgsz})
    _refuse_overwriting(paths, options)
    try:
        with joined_group(options.device) as (group, device), refusing_data():
            printer = ProgressPrinter(batch=budget.batch, quiet=as_json or not group.is_rank_zero)
            printer.stage("data")
            folder = data_or_built_in(options.data)
            data, val = read_parts(folder, Reading(voc_first_pixel=options.voc_first_pixel))
            if group.is_rank_zero:
                _warn(data, val)
                tell_anchors(
                    (variant,),
                    data,
                    image_size=options.imgsz,
                    threshold=recipe.loss.anchor_threshold,
                    tell=say,
                    always=True,
                )
                tell_other_classes((variant,), [each.name for each in data.categories], say)
            printer.stage("build")
            validation = Validation(val, variant, options.imgsz, device)
            limits = allowance(
                budget,
                variant,
                classes=len(data.categories),
                image_size=options.imgsz,
                pictures=len(data.pictures),
            )
            training = Training(
                variant=variant,
                data=data,
                recipe=recipe,
                budget=budget,
                limits=limits,
                image_size=options.imgsz,
                seed=options.seed,
                device=device,
                group=group,
                loading=settled(AUTOMATIC.chosen(options.workers, options.cache), device),
                files=Files(
                    paths.checkpoint,
                    Every(*options.checkpoint_every),
                    paths.curve,
                    options.tensorboard,
                ),
                evaluate=validation.score,
            )
            if _is_finished(training, paths, options):
                return _tell_finished(paths.weights, as_json=as_json) if group.is_rank_zero else 0
            _announce(paths, options)
            done = train_and_evaluate(training, validation, printer, printer.listen)
    except (JobError, LoadingError) as error:
        raise Refusal(_exit_code(error), f"{variant.name}: {error}") from error
    except KeyboardInterrupt:
        if paths.checkpoint.exists():
            say(f"interrupted; the same command with --resume goes on from {paths.checkpoint}")
        raise
    return _keep(done, paths.weights, as_json=as_json) if group.is_rank_zero else ExitCode.DONE


def _exit_code(error: JobError | LoadingError) -> ExitCode:
    if isinstance(error, JobError) and error.code == "weights":
        return ExitCode.USAGE
    if isinstance(error.__cause__, UnwrittenCheckpointError):
        return ExitCode.UNFIT
    return ExitCode.VARIANT_FAILED


def _refuse_overwriting(paths: _Paths, options: Options) -> None:
    """Refuse to begin anew over an earlier training, finished or not."""
    if options.resume:
        return
    if paths.checkpoint.exists():
        raise Refusal(
            ExitCode.USAGE,
            f"{paths.checkpoint}: an earlier training was not finished; "
            "go on from it with --resume, or delete it",
        )
    if paths.weights.exists() and not options.force:
        raise Refusal(ExitCode.USAGE, f"{paths.weights} is there already; --force overwrites it")


def _is_finished(training: Training, paths: _Paths, options: Options) -> bool:
    """Whether --resume finds the weights of this very training and no checkpoint.

    Raises:
        Refusal: they are another training's, or damaged.
    """
    if (
        not options.resume
        or options.force
        or paths.checkpoint.exists()
        or not paths.weights.exists()
    ):
        return False
    try:
        differing = differs_from_finished(training, paths.weights)
    except WeightsError as error:
        raise Refusal(ExitCode.USAGE, f"{error}; --force trains anew") from error
    if differing:
        raise Refusal(
            ExitCode.USAGE,
            f"{paths.weights}: is of another training ({differing}); --force overwrites it",
        )
    return True


def _tell_finished(weights: Path, *, as_json: bool) -> int:
    if as_json:
        reply("train", {"checkpoint": str(weights), "finished": True})
    else:
        click.echo(f"{weights}: finished, nothing to resume")
    return ExitCode.DONE


def _warn(*parts: Split) -> None:
    for part in parts:
        for warning in part.warnings:
            say(f"warning: {warning}")


def _announce(paths: _Paths, options: Options) -> None:
    """Say where the training begins, and what it will have to do without."""
    if options.resume and not paths.checkpoint.exists():
        say(f"{paths.checkpoint}: not there, so that the training begins at its start")
    if options.tensorboard and not has_tensorboard():
        say(
            f"tensorboard is not installed, so that nothing goes to {options.tensorboard}; "
            f"the curve is {paths.curve}"
        )


def _keep(done: Evaluated, path: Path, *, as_json: bool) -> int:
    """Tell the numbers, then write the weights: a disk that is full must not take the numbers along."""
    if not as_json:
        _tell(done)
    try:
        save_checkpoint(path, done.result.model, done.result.facts)
    except WriteError as error:
        if not as_json:
            raise
        say(f"ablation: {error}")
        code = ExitCode.UNFIT
        reply("train", _document(done, None), [{"code": f"exit-{code:d}", "message": str(error)}])
        return code
    done.result.discard_checkpoint()
    if as_json:
        reply("train", _document(done, path))
    else:
        click.echo(f"checkpoint: {path}")
    return ExitCode.DONE


def _document(done: Evaluated, path: Path | None) -> dict[str, Json]:
    return {
        "checkpoint": None if path is None else str(path),
        "seconds": round(done.result.trained.seconds, 1),
        "start": done.result.start,
        "budget": dict(done.budget.notes),
        "accuracy": _accuracy(done),
    }


def _accuracy(done: Evaluated) -> dict[str, Json]:
    measured = done.evaluation.measurements
    return {m.metric: m.samples[0] for m in measured if m.metric != "detections" and m.samples}


def _tell(done: Evaluated) -> None:
    result, trained, accuracy = done.result, done.result.trained, _accuracy(done)
    began = TrainingStart.from_json(result.start).described(result.training.seed)
    ap, ap50 = accuracy.get("ap", 0), accuracy.get("ap50", 0)
    flops = trained.images * result.training.limits.flops_per_image
    ends = {"time": ", ended by its wall time", "patience": ", stopped early: its best average"}
    end = ends.get(trained.end, "")
    click.echo(f"AP {ap:.3f}, AP50 {ap50:.3f} after {round(trained.seconds, 1):g} s {began}")
    click.echo(f"trained: {trained.steps} steps, {trained.images} images, {flops:.3g} FLOPs{end}")

"""From the options of `train` to the record of a training, and what came of it on stdout."""

from pathlib import Path

import click

from suite.cli.errors import refusing_data
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.cli.train.options import Options
from suite.cli.train.progress import ProgressPrinter
from suite.datasets.formats.forms import read_split
from suite.datasets.loading.shared import LoadingError
from suite.jobs import JobError
from suite.jobs.budget import allowance
from suite.jobs.train import Evaluated, settled, train_and_evaluate
from suite.jobs.validation import Validation
from suite.metrics.evidence.training import TrainingStart
from suite.nn.weights.checkpoint import save_checkpoint
from suite.protocols import Budget
from suite.protocols.loading import AUTOMATIC
from suite.record import Json
from suite.session.anchors import tell_anchors
from suite.session.data import data_or_built_in
from suite.spec.records.variant import Variant
from suite.train.journal import has_tensorboard
from suite.train.process_group import joined_group
from suite.train.recipe import Recipe
from suite.train.snapshot import Every
from suite.train.training import Files, Training


def carry_out(
    options: Options, variant: Variant, recipe: Recipe, budget: Budget, *, as_json: bool
) -> int:
    """Train, evaluate, write the weights and say what came of it; the exit code.

    Raises:
        Refusal: an earlier training was not finished, the data cannot be used, or the training fails.
    """
    path = options.out or Path(f"{variant.name}.safetensors")
    checkpoint = path.with_name(f"{path.stem}.checkpoint.json")
    curve = path.with_name(f"{path.stem}.curve.csv")
    files = Files(checkpoint, Every(*options.checkpoint_every), curve, options.tensorboard)
    try:
        with joined_group(options.device) as (group, device), refusing_data():
            printer = ProgressPrinter(batch=budget.batch, quiet=as_json or not group.is_rank_zero)
            folder = data_or_built_in(options.data)
            _announce(checkpoint, curve, options)
            printer.stage("data")
            data, val = read_split(folder, "train"), read_split(folder, "val")
            threshold = recipe.loss.anchor_threshold
            if group.is_rank_zero:
                tell_anchors(
                    (variant,),
                    data,
                    image_size=options.imgsz,
                    threshold=threshold,
                    tell=say,
                    always=True,
                )
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
                files=files,
                evaluate=validation.score,
            )
            done = train_and_evaluate(training, validation, printer, printer.listen)
    except (JobError, LoadingError) as error:
        raise Refusal(ExitCode.VARIANT_FAILED, f"{variant.name}: {error}") from error
    except KeyboardInterrupt:
        if checkpoint.exists():
            say(f"interrupted; the same command with --resume goes on from {checkpoint}")
        raise
    if group.is_rank_zero:
        save_checkpoint(path, done.result.model, done.result.facts)
        done.result.discard_checkpoint()
        _report(done, path, as_json=as_json)
    return ExitCode.DONE


def _announce(checkpoint: Path, curve: Path, options: Options) -> None:
    """Say where the training begins, and what it will have to do without; refuse to begin anew over an earlier one."""
    if checkpoint.exists() and not options.resume:
        raise Refusal(
            ExitCode.USAGE,
            f"{checkpoint}: an earlier training was not finished; "
            "go on from it with --resume, or delete it",
        )
    if options.resume and not checkpoint.exists():
        say(f"{checkpoint}: not there, so that the training begins at its start")
    if options.tensorboard and not has_tensorboard():
        say(
            f"tensorboard is not installed, so that nothing goes to {options.tensorboard}; "
            f"the curve is {curve}"
        )


def _report(done: Evaluated, path: Path, *, as_json: bool) -> None:
    result, trained, budget = done.result, done.result.trained, done.budget
    measured = done.evaluation.measurements
    accuracy: dict[str, Json] = {
        m.metric: m.samples[0] for m in measured if m.metric != "detections" and m.samples
    }
    seconds = round(trained.seconds, 1)
    if as_json:
        document: dict[str, Json] = {
            "checkpoint": str(path),
            "seconds": seconds,
            "start": result.start,
            "budget": dict(budget.notes),
            "accuracy": accuracy,
        }
        reply("train", document)
        return
    began = TrainingStart.from_json(result.start).described(result.training.seed)
    ap, ap50 = accuracy.get("ap", 0), accuracy.get("ap50", 0)
    flops = trained.images * result.training.limits.flops_per_image
    ends = {"time": ", ended by its wall time", "patience": ", stopped early: its best average"}
    end = ends.get(trained.end, "")
    click.echo(f"AP {ap:.3f}, AP50 {ap50:.3f} after {seconds:g} s {began}")
    click.echo(f"trained: {trained.steps} steps, {trained.images} images, {flops:.3g} FLOPs{end}")
    click.echo(f"checkpoint: {path}")

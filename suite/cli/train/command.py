"""`train`: one variant, outside any protocol and store; for trying things."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from suite.cli.errors import refusing_data
from suite.cli.library import final, open_library
from suite.cli.options import json_option
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.cli.train.options import Options, train_options
from suite.jobs import JobError
from suite.protocols.loading import AUTOMATIC
from suite.record import Json, Stage, describe_start
from suite.train.recipe import recipe

if TYPE_CHECKING:
    from suite.jobs.train import Lesson, Taught
    from suite.train.loop import Progress

_QUIET_SECONDS = 2.0  # between two lines of progress


@click.command("train")
@train_options
@json_option
def command(options: Options, *, as_json: bool) -> int:
    """Train one variant, evaluate it and write its weights, without touching the store.

    While it trains, a checkpoint is written from time to time; `--resume` goes on from it as if nothing had been. The
    curve is in a CSV file beside the weights. Started by `torchrun`, several processes share every batch.
    """
    budget = options.budget
    library = open_library(options.variants, allow_code=options.allow_code)
    variant = final(library.load(options.name), library)
    if options.weights:
        variant = replace(variant, weights=str(options.weights.absolute()))
    chosen = recipe(options.recipe_name)
    if options.deterministic:
        chosen = replace(chosen, deterministic=True)
    from suite.datasets.builtin.shapes import ensure
    from suite.datasets.loading.shared import LoadingError
    from suite.jobs.train import Lesson, settled, teach
    from suite.nn.weights.checkpoint import save_checkpoint
    from suite.train.process_group import joined_group
    from suite.train.snapshot import Every

    path = options.out or Path(f"{variant.name}.safetensors")
    checkpoint = path.with_name(f"{path.stem}.checkpoint.json")
    try:
        with joined_group(options.device) as (group, device), refusing_data():
            teller = _Teller(batch=budget.batch, quiet=as_json or not group.is_leader)
            lesson = Lesson(
                variant,
                options.data or ensure(Path("out/data/shapes-128px-1000-200-seed0")),
                chosen,
                image_size=options.imgsz,
                budget=budget,
                seed=options.seed,
                device=device,
                checkpoint=checkpoint,
                every=Every(*options.checkpoint_every),
                curve=path.with_name(f"{path.stem}.curve.csv"),
                tensorboard=options.tensorboard,
                loading=settled(AUTOMATIC.chosen(options.workers, options.cache), device),
                group=group,
            )
            _prepare(lesson, options)
            taught = teach(lesson, teller, teller.listen)
    except (JobError, LoadingError) as error:
        raise Refusal(ExitCode.VARIANT_FAILED, f"{variant.name}: {error}") from error
    except KeyboardInterrupt:
        if checkpoint.exists():
            say(f"interrupted; the same command with --resume goes on from {checkpoint}")
        raise
    if not group.is_leader:
        return ExitCode.DONE
    save_checkpoint(path, taught.trained.ema_model, taught.facts)
    taught.forget()
    _report(taught, path, options, as_json=as_json)
    return ExitCode.DONE


def _prepare(lesson: "Lesson", options: Options) -> None:
    """Say where the training begins, and what it will have to do without; begin anew unless told to go on."""
    from suite.jobs.journal import has_tensorboard

    assert lesson.checkpoint is not None
    if lesson.checkpoint.exists() and not options.resume:
        raise Refusal(
            ExitCode.USAGE,
            f"{lesson.checkpoint}: an earlier training was not finished; go on from it with --resume, or delete it",
        )
    if options.resume and not lesson.checkpoint.exists():
        say(f"{lesson.checkpoint}: not there, so that the training begins at its start")
    if options.tensorboard and not has_tensorboard():
        say(
            f"tensorboard is not installed, so that nothing goes to {options.tensorboard}; the curve is {lesson.curve}"
        )


def _report(taught: "Taught", path: Path, options: Options, *, as_json: bool) -> None:
    measured = taught.evaluation.measurements
    numbers: dict[str, Json] = {
        m.metric: m.samples[0] for m in measured if m.metric != "detections" and m.samples
    }
    seconds = round(taught.trained.seconds, 1)
    start = taught.facts["start"]
    if as_json:
        used = dict(taught.budget.notes)
        reply(
            "train",
            {
                "checkpoint": str(path),
                "seconds": seconds,
                "start": start,
                "budget": used,
                "accuracy": numbers,
            },
        )
        return
    began = describe_start(start, options.seed)
    end = {"time": ", ended by its wall time", "patience": ", stopped early: its best average"}
    click.echo(
        f"AP {numbers.get('ap', 0):.3f}, AP50 {numbers.get('ap50', 0):.3f} after {seconds:g} s {began}"
    )
    flops = float(str(taught.budget.notes["flops"]))
    trained = taught.trained
    click.echo(
        f"trained: {trained.steps} steps, {trained.images} images, {flops:.3g} FLOPs{end.get(trained.end, '')}"
    )
    click.echo(f"checkpoint: {path}")


class _Teller:
    """Says on stderr how far the training is, how fast, and how long it will take; `clock` gives seconds."""

    def __init__(
        self, *, batch: int, quiet: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._batch, self._quiet, self._clock = batch, quiet, clock
        self._told = 0.0
        self._first: tuple[int, float] | None = (
            None  # step and seconds when this process came to its first point
        )

    def stage(self, stage: Stage) -> None:
        """What comes now."""
        self._say(f"{stage} ...")

    def progress(self, done: int, total: int) -> None:
        """Nothing: `listen` knows more."""

    def listen(self, progress: "Progress") -> None:
        """A line at most every two seconds, and the last one."""
        now = self._clock()
        if now - self._told < _QUIET_SECONDS and progress.step < progress.steps:
            return
        self._told = now
        point = progress.point
        line = f"[{progress.step}/{progress.steps}] loss {point.box + point.obj + point.cls:.3f}"
        begun, since = self._first = self._first or (progress.step, progress.seconds)
        if progress.seconds > since:
            speed = (progress.step - begun) / (progress.seconds - since)
            line += f", {speed * self._batch:.0f} img/s, {_duration((progress.steps - progress.step) / speed)} left"
        self._say(line)

    def _say(self, line: str) -> None:
        if not self._quiet:
            say(line)


def _duration(seconds: float) -> str:
    """H:MM:SS."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"

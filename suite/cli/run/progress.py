"""What a run says while it goes on: bars on a terminal, one line an event otherwise. All of it on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from suite.cli.output import fancy, say
from suite.executors import Finished, Progressed, Started
from suite.plan import Job
from suite.record import Failure
from suite.runner import Listener, Step

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress(jobs: int) -> Iterator[Listener]:
    """A listener for a run of so many jobs."""
    if not (fancy() and sys.stderr.isatty()):
        yield lines(say)
        return
    from rich.console import Console

    with bars(jobs, Console(stderr=True)) as listen:
        yield listen


@contextmanager
def bars(jobs: int, console: "Console") -> Iterator[Listener]:
    """A listener that shows a bar for the run and for each job that goes on, and leaves only failures behind."""
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        whole = shown.add_task("all jobs", total=jobs, state="")
        tasks = {}

        def show(step: Step) -> None:
            event = step.event
            if isinstance(event, Started):
                tasks[event.id] = shown.add_task(words(step.job), total=None, state="")
            elif isinstance(event, Progressed):
                task = tasks[event.id]
                shown.update(task, completed=event.done, total=event.total or None)
                speed = next(bar.speed for bar in shown.tasks if bar.id == task)
                shown.update(task, state=_state(step.job, event, speed))
            else:
                shown.remove_task(tasks.pop(event.id))
                shown.update(whole, completed=step.number)
                if isinstance(event.result, Failure):
                    console.print(_line(step, event), markup=False, highlight=False)

        yield show


def _state(job: Job, event: Progressed, speed: float | None) -> str:
    """The stage; while training the images a second as well."""
    if event.stage != "train" or not speed:
        return event.stage
    return f"{event.stage} {speed * job.conditions.protocol.budget.batch:.0f} img/s"


def words(job: Job) -> str:
    """A job in words."""
    if job.kind == "train":
        return f"train {job.variant.name}, seed {job.seed}"
    if job.kind == "latency":
        return f"time {job.variant.name} by {job.setup}, replica {job.replica}"
    return f"count {job.variant.name}"


def lines(write: Callable[[str], None]) -> Listener:
    """A listener that writes one line an event."""

    def tell(step: Step) -> None:
        if isinstance(step.event, Started):
            write(f"[{step.number}/{step.total}] {words(step.job)} ...")
        elif isinstance(step.event, Finished):
            write(_line(step, step.event))

    return tell


def _line(step: Step, event: Finished) -> str:
    place = f"[{step.number}/{step.total}] {words(step.job)}: "
    if isinstance(event.result, Failure):
        failure = event.result
        return f"{place}failed in {failure.stage} ({failure.code}): {failure.message}"
    return f"{place}done in {event.seconds:.1f} s"

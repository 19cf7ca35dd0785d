"""What a run says while it goes on: bars on a terminal, one line an event otherwise. All of it on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from suite.cli.output import fancy, say
from suite.executors import Progressed, Started
from suite.plan import Job
from suite.record import Failure
from suite.runner import Listener, Step
from suite.session.progress import finished_line, job_title, step_lines


@contextmanager
def progress(jobs: int) -> Iterator[Listener]:
    """A listener for a run of so many jobs."""
    if not (fancy() and sys.stderr.isatty()):
        yield step_lines(say)
        return
    with bars(jobs, Console(stderr=True)) as listen:
        yield listen


@contextmanager
def bars(jobs: int, console: Console) -> Iterator[Listener]:
    """A listener that shows a bar for the run and for each job that goes on, and leaves only failures behind."""
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
                tasks[event.id] = shown.add_task(job_title(step.job), total=None, state="")
            elif isinstance(event, Progressed):
                task = tasks[event.id]
                shown.update(task, completed=event.done, total=event.total or None)
                speed = next(bar.speed for bar in shown.tasks if bar.id == task)
                shown.update(task, state=_state(step.job, event, speed))
            else:
                shown.remove_task(tasks.pop(event.id))
                shown.update(whole, completed=step.number)
                if isinstance(event.result, Failure):
                    console.print(finished_line(step, event), markup=False, highlight=False)

        yield show


def _state(job: Job, event: Progressed, speed: float | None) -> str:
    """The stage; while training the images a second as well."""
    if event.stage != "train" or not speed:
        return event.stage
    return f"{event.stage} {speed * job.conditions.protocol.budget.batch:.0f} img/s"

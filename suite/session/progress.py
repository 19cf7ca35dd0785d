"""The steps of a run in lines for a reader."""

from collections.abc import Callable

from suite.executors import Finished, Started
from suite.plan import Job
from suite.record import Failure
from suite.runner import Listener, Step


def job_title(job: Job) -> str:
    """A job in a few words: "train yolov5p, seed 0"."""
    if job.kind == "train":
        return f"train {job.variant.name}, seed {job.seed}"
    if job.kind == "latency":
        return f"time {job.variant.name} by {job.setup}, replica {job.replica}"
    return f"count {job.variant.name}"


def step_lines(write: Callable[[str], None]) -> Listener:
    """A listener that writes one line when a job begins and one when it ends."""

    def listen(step: Step) -> None:
        if isinstance(step.event, Started):
            write(f"[{step.number}/{step.total}] {job_title(step.job)} ...")
        elif isinstance(step.event, Finished):
            write(finished_line(step, step.event))

    return listen


def finished_line(step: Step, event: Finished) -> str:
    """What became of a job: its seconds, or where and why it failed."""
    title = f"[{step.number}/{step.total}] {job_title(step.job)}: "
    if isinstance(event.result, Failure):
        failure = event.result
        return f"{title}failed in {failure.stage} ({failure.code}): {failure.message}"
    return f"{title}done in {event.seconds:.1f} s"

"""What happens inside a job's process. This module is light; the kinds of jobs load torch."""

import importlib
from dataclasses import dataclass, field
from typing import Protocol

from suite.plan import Job
from suite.record import Json, Measurement, Stage
from suite.yaml.errors import SpecError


@dataclass(frozen=True, slots=True)
class Result:
    """What a job hands back. `artifacts` are paths relative to the folder of the store."""

    measurements: tuple[Measurement, ...]
    environment: dict[str, Json] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()


class Reporter(Protocol):
    """How a job says how far it is."""

    def stage(self, stage: Stage) -> None:
        """What comes now; a failure is booked on the stage that was named last."""
        ...

    def progress(self, done: int, total: int) -> None:
        """`done` of `total` steps of the stage are behind."""
        ...


class JobError(Exception):
    """A job's answer is that something is wrong with its variant; `code` is what the failure is stored under."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def execute(job: Job, reporter: Reporter) -> Result:
    """Do one job.

    Raises:
        JobError: the variant does not build, does not hold what it promises, or cannot be trained.
    """
    try:
        result: Result = importlib.import_module(f"suite.jobs.{job.kind}").execute(job, reporter)
    except SpecError as error:
        raise JobError("spec", str(error)) from error
    return result

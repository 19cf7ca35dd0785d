"""What an executor takes, and the events that it gives back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from suite.jobs import Result
from suite.record import Failure, Stage


class ExecutorError(RuntimeError):
    """The executor itself cannot work, which no job is to blame for."""


@dataclass(frozen=True, slots=True)
class Task:
    """One job for an executor: `payload` (picklable) goes to the entry function in a child process.

    `label` names the log file; `stage` is the stage of a child that dies before it has named one itself.
    """

    id: str
    label: str
    payload: object
    timeout: float  # seconds
    stage: Stage


@dataclass(frozen=True, slots=True)
class Started:
    """A child has begun to work on the task."""

    id: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """`done` of `total` steps of the stage are behind the task; `total` is 0 where it is not known."""

    id: str
    stage: Stage
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The task is over, and none of its processes lives any more."""

    id: str
    result: Result | Failure
    started: str  # ISO 8601, UTC
    seconds: float
    log: Path


Event: TypeAlias = Started | Progressed | Finished


class Executor(Protocol):
    """Runs tasks, `parallel` at a time, and yields what happens; each task ends in exactly one `Finished`."""

    def run(self, tasks: Sequence[Task], *, parallel: int) -> Iterator[Event]:
        """Start the tasks in their order and yield events until the last one is over."""
        ...

"""What the local executor and its fork server say to each other."""

from dataclasses import dataclass
from pathlib import Path

from suite.record import Stage


@dataclass(frozen=True, slots=True)
class Start:
    """Fork a child for the task. `payload` is pickled; the child works in `folder` and writes to `log`."""

    id: str
    payload: bytes
    stage: Stage
    folder: Path
    log: Path


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill the task's processes now."""

    id: str


@dataclass(frozen=True, slots=True)
class Exited:
    """The task's child is gone; `code` is its exit status, or minus the signal that killed it."""

    id: str
    code: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The server has loaded its modules."""


RESULT = "result"
STATUS = "status"
"""Names of the files that a child leaves in its folder."""

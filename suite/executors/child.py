"""What happens inside the process of one job."""

import json
import math
import os
import pickle
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeAlias, runtime_checkable

from suite.executors import processes
from suite.executors.messages import RESULT, STATUS, Start
from suite.files import replacing
from suite.jobs import Reporter, Result
from suite.machine.allocator import is_out_of_memory
from suite.record import Failure, Stage, canonical_json

_MESSAGE_LIMIT = 500  # characters


Entry: TypeAlias = Callable[[Any, Reporter], Result]


@runtime_checkable
class Coded(Protocol):
    """An exception that knows the code under which it is stored."""

    code: str


class NonFiniteError(ValueError):
    """A measurement holds NaN or an infinity: it is no number, so it must not be stored as one."""

    code = "non-finite"


class FileReporter:
    """Leaves the state in a file that the parent reads from time to time."""

    _interval = 0.5  # seconds between two writes of one stage

    def __init__(self, folder: Path, stage: Stage) -> None:
        self._folder = folder
        self._written = -math.inf
        self.current: Stage = stage

    def stage(self, stage: Stage) -> None:
        """What comes now."""
        self.current = stage
        self._write(0, 0)

    def progress(self, done: int, total: int) -> None:
        """Steps behind, and steps in all."""
        if time.monotonic() - self._written >= self._interval:
            self._write(done, total)

    def _write(self, done: int, total: int) -> None:
        self._written = time.monotonic()
        state = {"stage": self.current, "done": done, "total": total}
        _write_whole(self._folder / STATUS, json.dumps(state).encode())


def run(order: Start, entry: Entry, *, server: int) -> NoReturn:
    """Work off one order and end the process: 0 with a result file, which holds a `Result` or a `Failure`."""
    os.setsid()
    processes.die_with_parent(server)
    _redirect(order)
    reporter = FileReporter(order.folder, order.stage)
    # broad, as at every border to a process or to foreign code: a failure of any kind becomes a record
    try:
        result = entry(pickle.loads(order.payload), reporter)  # noqa: S301  from our own parent
        _require_finite(result)
        content = pickle.dumps(result)
    except BaseException as error:  # noqa: BLE001
        traceback.print_exc()
        content = pickle.dumps(failure(error, reporter.current))
    _write_whole(order.folder / RESULT, content)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def failure(error: BaseException, stage: Stage) -> Failure:
    """The record of an exception."""
    first_line = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, Coded):
        return Failure(stage, error.code, first_line[:_MESSAGE_LIMIT])
    message = f"{type(error).__name__}: {first_line}".removesuffix(": ")
    return Failure(stage, "oom" if is_out_of_memory(error) else "error", message[:_MESSAGE_LIMIT])


def _require_finite(result: Result) -> None:
    for measurement in result.measurements:
        try:
            canonical_json(
                [list(measurement.samples), dict(measurement.settings), dict(measurement.notes)]
            )
        except ValueError as error:
            raise NonFiniteError(f"{measurement.metric} is not finite ({error})") from error


def _redirect(order: Start) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    # appending, so that the parent can cut a flooded log to nothing and the writer goes on at its new end
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)
    os.environ["TMPDIR"] = tempfile.tempdir = str(order.folder)


def _write_whole(path: Path, content: bytes) -> None:
    with replacing(path) as part:
        part.write_bytes(content)

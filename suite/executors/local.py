"""Jobs on this machine, each in a child of a fork server that has torch loaded."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from suite.executors import processes
from suite.executors.contract import Event, ExecutorError, Finished, Progressed, Started, Task
from suite.executors.messages import RESULT, STATUS, Exited, Kill, Ready, Start
from suite.jobs import Result
from suite.record import Failure, Stage

_TICK = 0.5  # seconds between two looks at deadlines, logs and progress
_LOG_LIMIT = 16 * 2**20  # bytes
_TAIL = 4000  # bytes
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(slots=True)
class _Running:
    task: Task
    folder: Path
    log: Path
    started: str
    clock: float
    oom_kills: int
    progress: Progressed
    timed_out: bool = False


class LocalExecutor:
    """Runs tasks in child processes; use it in a `with`, which leaves no process behind.

        with LocalExecutor(out / "scratch", logs=out / "logs") as executor:
            for event in executor.run(tasks, parallel=2):
                print(event)

    Every task ends in one `Finished`, whatever becomes of its process: a result, an exception, a signal, too little
    memory, too much time. The fork server (`suite.executors.server`) starts with the first task.

    Args:
        folder: scratch space of the children; what is in it is deleted.
        logs: folder for one log file a task.
        entry: "module:function" that a child calls with the payload and a reporter.
        preload: modules that the fork server imports once.
        path: folders put in front of the module search path of the children.
    """

    def __init__(
        self,
        folder: Path,
        *,
        logs: Path,
        entry: str = "suite.jobs:execute",
        preload: Sequence[str] = ("suite.jobs.static", "suite.jobs.latency", "suite.jobs.train"),
        path: Sequence[Path] = (),
    ) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        logs.mkdir(parents=True, exist_ok=True)
        self._folder = folder.absolute()
        self._logs = logs.absolute()
        self._arguments = (entry, *preload)
        self._path = [*map(str, path), str(Path(__file__).parents[2])]
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None

    def run(self, tasks: Sequence[Task], *, parallel: int) -> Iterator[Event]:
        """Start the tasks in their order, `parallel` at a time, and yield what happens.

        Raises:
            ExecutorError: the fork server cannot start.
        """
        waiting = deque(tasks)
        running: dict[str, _Running] = {}
        while waiting or running:
            while waiting and len(running) < parallel:
                job = self._start(waiting.popleft())
                running[job.task.id] = job
                yield Started(job.task.id)
            for exited in self._exits(running):
                yield self._finish(running.pop(exited.id), exited.code)
            for job in running.values():
                self._hold_to_limits(job)
                before, job.progress = job.progress, _progress(job)
                if job.progress != before:
                    yield job.progress

    def close(self) -> None:
        """Kill what still runs, and the server."""
        if self._process is None or self._connection is None:
            return
        self._connection.close()  # the server kills its children when it sees this end
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the kernel then kills the children
            self._process.wait()
        self._process = self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, task: Task) -> _Running:
        connection = self._connection or self._start_server()
        folder = self._folder / task.id
        folder.mkdir()
        log = self._logs / f"{task.label}.log"
        with suppress(ConnectionError):
            connection.send(Start(task.id, pickle.dumps(task.payload), task.stage, folder, log))
        return _Running(
            task=task,
            folder=folder,
            log=log,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            clock=time.monotonic(),
            oom_kills=processes.oom_kills(),
            progress=Progressed(task.id, task.stage, 0, 0),
        )

    def _start_server(self) -> "Connection[Any, Any]":
        ours, theirs = Pipe()
        log = self._logs / "fork-server.log"
        path = os.pathsep.join([*self._path, *filter(None, [os.environ.get("PYTHONPATH")])])
        # one thread a child, said before any library reads it
        environment = {**os.environ, **dict.fromkeys(_THREADS, "1"), "PYTHONPATH": path}
        link = (str(os.getpid()), str(theirs.fileno()))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "suite.executors.server", *link, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,  # Ctrl-C on the terminal is for the parent alone
            )
        theirs.close()
        self._connection = ours
        try:
            ready = ours.recv()
        except EOFError:
            self._process.wait()
            self._process = self._connection = None
            raise ExecutorError(
                f"{log}: the fork server did not start; {_last_line(log)}"
            ) from None
        assert isinstance(ready, Ready)
        return ours

    def _exits(self, running: dict[str, _Running]) -> list[Exited]:
        """What ended during one tick. When the server is gone, all its children are."""
        assert self._connection is not None
        try:
            return [self._connection.recv()] if self._connection.poll(_TICK) else []
        except (EOFError, ConnectionError):
            self.close()
            return [Exited(task, -signal.SIGKILL) for task in running]

    def _hold_to_limits(self, job: _Running) -> None:
        """Kill a task that takes too long, and cut a log that grows too large."""
        late = time.monotonic() - job.clock > job.task.timeout
        if late and not job.timed_out and self._connection:
            job.timed_out = True
            with suppress(ConnectionError):  # a dead server is noticed where its answers are read
                self._connection.send(Kill(job.task.id))
        if job.log.exists() and job.log.stat().st_size > _LOG_LIMIT:
            with job.log.open("r+b") as log:
                log.truncate()
                log.write(b"[more than 16 MiB of output: cut here]\n")

    def _finish(self, job: _Running, code: int) -> Finished:
        result = _result(job, code)
        if isinstance(result, Failure):
            result = replace(result, log_tail=_tail(job.log))
        shutil.rmtree(job.folder, ignore_errors=True)
        return Finished(job.task.id, result, job.started, time.monotonic() - job.clock, job.log)


def _result(job: _Running, code: int) -> Result | Failure:
    file = job.folder / RESULT
    if code == 0 and file.exists():
        result: Result | Failure = pickle.loads(file.read_bytes())  # noqa: S301  from our own child
        return result
    stage = _progress(job).stage
    if job.timed_out:
        return Failure(stage, "timeout", f"took longer than {job.task.timeout:g} s")
    if code == -signal.SIGKILL and processes.oom_kills() > job.oom_kills:
        return Failure(stage, "oom", "killed by the kernel, which was out of memory")
    if code < 0:
        return Failure(stage, f"signal{code}", f"killed by {signal.Signals(-code).name}")
    return Failure(stage, f"exit-{code}", f"ended with status {code} and without a result")


def _progress(job: _Running) -> Progressed:
    file = job.folder / STATUS
    if not file.exists():
        return job.progress
    state = json.loads(file.read_text())
    stage: Stage = state["stage"]
    return Progressed(job.task.id, stage, state["done"], state["total"])


def _tail(log: Path) -> str:
    """The end of a log, without what could drive a terminal."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        text = file.read().decode(errors="replace")
    return "".join(character for character in text if character == "\n" or character.isprintable())


def _last_line(log: Path) -> str:
    return (_tail(log).strip().splitlines() or ["its log is empty"])[-1]

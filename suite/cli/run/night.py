"""`nightly`, when it is really called: a run that is logged."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click

from reports.page import write
from suite.cli.run import running, summary
from suite.files import writing
from suite.session.options import RunOptions
from suite.session.progress import step_lines


def night(options: RunOptions, *, strict: bool) -> int:
    """Run, report, and log every step; the exit code."""
    with _log(options.out / "log") as log, running.ending_on_sigterm():
        prepared = running.prepare(options)
        for problem in prepared.left_out:
            _write(log, f"left out: {problem}")
        done = running.carry_out(prepared, step_lines(lambda line: _write(log, line)))
        page = write(options.store, done.run_id, options.out / "report").index
    summary.show(summary.read(options.store, done.run_id))
    click.echo(running.sum_up(done, prepared))
    click.echo(f"report: {page}")
    return running.exit_code(done, options, strict=strict, left_out=bool(prepared.left_out))


@contextmanager
def _log(folder: Path) -> Iterator[TextIO]:
    """This night's log file; whatever ends the night is written into it too."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"nightly-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.log"
    with path.open("a", encoding="utf-8") as log:
        _write(log, " ".join(sys.argv))
        try:
            yield log
        except BaseException:
            traceback.print_exc(file=log)
            raise


def _write(log: TextIO, line: str) -> None:
    log.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")
    log.flush()

"""`nightly`: run and report in one, made for cron."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click

from suite.cli.run import running, summary
from suite.cli.run.progress import lines
from suite.cli.run_options import Options, run_options


@click.command("nightly")
@run_options("nightly")
def command(options: Options) -> int:
    """Run the protocol and write the report, for a machine that nobody watches.

    Progress goes to DIR/log/nightly-DATE.log, the summary and the path of the report to stdout, and only what went
    wrong to stderr. The exit code is that of the first that applies: interrupted (130, 143), internal error (70),
    store in use (5), mistake in a spec (2), a variant failed (1), no data (4).
    """
    with _log(options.out / "log") as log, running.ending_on_sigterm():
        prepared = running.prepare(options)
        done = running.carry_out_all(prepared, options, lines(lambda line: _write(log, line)))
        page = running.write_report(options, done.run_id)
    summary.show(summary.read(options.store, done.run_id))
    click.echo(f"{done.done} done, {done.reused} stored before, {len(done.failed)} failed")
    click.echo(f"report: {page}")
    return running.exit_code(done, options)


@contextmanager
def _log(folder: Path) -> Iterator[TextIO]:
    """This night's log file; whatever ends the night is written into it too."""
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

"""What a command says and where: results to stdout, everything else to stderr, `--json` as one document.

Every error ends in `report_error`: it alone knows which exception gives which exit code.
"""

import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

import click

from suite.record import Json
from suite.spec.errors import NoMatchError, Problem, SpecError

SCHEMA_VERSION = 1
LOG_FOLDER = Path("out/log")


class ExitCode(IntEnum):
    """What the shell is told; the texts appear in `--help`."""

    DONE = 0
    VARIANT_FAILED = 1
    USAGE = 2
    WORSE = 3
    NOTHING = 4
    UNFIT = 5
    INTERNAL = 70
    INTERRUPTED = 130


class Refusal(click.ClickException):
    """A command that cannot do what it was asked: one line and an exit code, no traceback."""

    def __init__(self, exit_code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.exit_code = int(exit_code)  # type: ignore[misc]  # click declares it for the class, reads it of the instance


def reply(command: str, data: Json, errors: Sequence[Json] = ()) -> None:
    """The one document that `--json` puts on stdout."""
    document = {"schema_version": SCHEMA_VERSION, "command": command, "data": data, "errors": list(errors)}
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows for people on a terminal, tab-separated lines with a heading otherwise; numbers are set to the right."""
    cells = [["" if value is None else value for value in row] for row in rows]
    if not fancy():
        for line in (columns, *cells):
            click.echo("\t".join(_one_line(value) for value in line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    plain = "NO_COLOR" in os.environ
    grid = Table(box=None, pad_edge=False, header_style="" if plain else "bold")
    for index, column in enumerate(columns):
        numeric = bool(cells) and all(isinstance(row[index], int | float) for row in cells)
        grid.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        grid.add_row(*(Text(_one_line(value)) for value in row))
    Console(no_color=plain, highlight=False).print(grid)


def say(line: str) -> None:
    """One line of progress or warning, on stderr."""
    click.echo(line, err=True)


def fancy() -> bool:
    """Whether stdout is a terminal that a person looks at."""
    return sys.stdout.isatty() and "CI" not in os.environ and os.environ.get("TERM") != "dumb"


def print_problems(problems: Sequence[Problem], *, err: bool = True) -> None:
    """Each problem with its line and a mark under the place."""
    for problem in problems:
        click.echo(str(problem), err=err)
        if problem.mark and problem.source_line:
            number = str(problem.mark.line)
            margin = " " * len(number)
            line = "".join(c if c.isprintable() else " " for c in problem.source_line)
            click.echo(f"  {number} | {line}", err=err)
            click.echo(f"  {margin} | {' ' * (problem.mark.column - 1)}^", err=err)


def problem_json(problem: Problem) -> Json:
    """A problem as an entry of the document's `errors`."""
    mark = problem.mark
    return {
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "file": mark.file if mark else None,
        "line": mark.line if mark else None,
        "column": mark.column if mark else None,
    }


def report_error(error: BaseException, command: str, *, as_json: bool) -> int:
    """Tell what went wrong, on stderr and with `--json` as a document; returns the exit code."""
    code, message = _explain(error)
    errors: list[Json] = [{"code": f"exit-{int(code)}", "message": message}]
    if isinstance(error, SpecError):
        print_problems(error.problems)
        errors = [problem_json(problem) for problem in error.problems]
    elif isinstance(error, click.UsageError):
        error.show()
    else:
        say(f"ablation: {message}")
    if as_json:
        reply(command, None, errors)
    return code


def _explain(error: BaseException) -> tuple[int, str]:
    if isinstance(error, NoMatchError):
        return ExitCode.NOTHING, str(error)
    if isinstance(error, SpecError):
        return ExitCode.USAGE, str(error)
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message()
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return ExitCode.INTERRUPTED, "interrupted; the same command resumes"
    return ExitCode.INTERNAL, f"internal error: {_first_line(error)}; {_keep_traceback(error)}"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _keep_traceback(error: BaseException) -> str:
    """Where the traceback was written; if it cannot be written it must not hide the error itself."""
    text = "".join(traceback.format_exception(error))
    path = LOG_FOLDER / f"error-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError:
        return f"the traceback:\n{text}"
    return f"the traceback is in {path}"


def _one_line(value: object) -> str:
    """A cell's text: thousands stay plain digits, control characters would break lines and columns."""
    return "".join(c if c.isprintable() else " " for c in str(value))

"""How a command ends badly: the one place that knows which exception gives which exit code and what is said."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from suite.cli.output import ExitCode, Refusal, reply, say
from suite.files import REFUSED, WriteError
from suite.record import Json
from suite.yaml.errors import NoMatchError, Problem, SpecError
from suite.yaml.mark import Mark

LOG_FOLDER = Path("out/log")
SHOWN_COLUMNS = 160


def print_problems(problems: Sequence[Problem], *, err: bool = True) -> None:
    """Each problem with its line and a mark under the place."""
    for problem in problems:
        click.echo(str(problem), err=err)
        source_line = problem.source_line or _line_of(problem.mark)
        if problem.mark and source_line:
            number = str(problem.mark.line)
            margin = " " * len(number)
            line = "".join(c if c.isprintable() else " " for c in source_line[:SHOWN_COLUMNS])
            click.echo(f"  {number} | {line}", err=err)
            if problem.mark.column <= SHOWN_COLUMNS:
                click.echo(f"  {margin} | {' ' * (problem.mark.column - 1)}^", err=err)


def _line_of(mark: Mark | None) -> str:
    """The line that a mark points at; a problem that shows after building has only the mark."""
    try:
        from suite.spec.language.decode import read_text  # only a mistake pays for this import

        lines = read_text(Path(mark.file)).splitlines() if mark else []
    except SpecError:
        return ""
    return lines[mark.line - 1] if mark and mark.line <= len(lines) else ""


def problem_json(problem: Problem) -> Json:
    """A problem as an entry of the document's `errors`."""
    mark = problem.mark
    return {
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "variant": problem.variant or None,
        "file": mark.file if mark else None,
        "line": mark.line if mark else None,
        "column": mark.column if mark else None,
    }


def report_error(
    error: BaseException, command: str, *, as_json: bool, logs: Path = LOG_FOLDER
) -> int:
    """Tell what went wrong, on stderr and with `--json` as a document; returns the exit code.

    The traceback of an internal error is kept in `logs`.
    """
    code, message = _explain(error, logs)
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


def _explain(error: BaseException, logs: Path) -> tuple[int, str]:
    if isinstance(error, NoMatchError):
        return ExitCode.NOTHING, str(error)
    if isinstance(error, SpecError):
        return ExitCode.USAGE, str(error)
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message()
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return ExitCode.INTERRUPTED, "interrupted; the same command resumes"
    if isinstance(error, OSError) and error.errno in REFUSED:
        return ExitCode.UNFIT, _said_of_disk(error)
    kept = _keep_traceback(error, logs)
    return ExitCode.INTERNAL, f"internal error: {_first_line(error)}; {kept}"


def _said_of_disk(error: OSError) -> str:
    """Which file the system refuses and why; a stream that is no file of ours, such as stdout, has no name."""
    if isinstance(error, WriteError):
        return str(error)
    return f"{error.filename or 'what is written to'}: {error.strerror}"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _keep_traceback(error: BaseException, logs: Path) -> str:
    """Where the traceback was written; if it cannot be written it must not hide the error itself."""
    import traceback  # only an internal error pays for this import

    text = "".join(traceback.format_exception(error))
    path = logs / f"error-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError:
        return f"the traceback:\n{text}"
    return f"the traceback is in {path}"


@contextmanager
def refusing_data() -> Iterator[None]:
    """Wrong files end the command with exit code 2; no data, or nothing of it that can be used, with 4."""
    from suite.datasets.split import BrokenPictureError, DataError, MissingDataError

    try:
        yield
    except (MissingDataError, BrokenPictureError) as error:
        raise Refusal(ExitCode.NOTHING, str(error)) from error
    except DataError as error:
        raise Refusal(ExitCode.USAGE, str(error)) from error


@contextmanager
def refusing_stores() -> Iterator[None]:
    """A store that cannot be used ends the command with exit code 5, one that was looked for in vain with 4."""
    from suite.session.errors import NothingStoredError
    from suite.store import StoreError

    try:
        yield
    except NothingStoredError as error:
        raise Refusal(ExitCode.NOTHING, str(error)) from error
    except StoreError as error:
        raise Refusal(ExitCode.UNFIT, str(error)) from error

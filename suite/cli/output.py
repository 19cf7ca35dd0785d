"""What a command says and where: results to stdout, everything else to stderr, `--json` as one document."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum

import click

from suite.record import Json

SCHEMA_VERSION = 1


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
    document = {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "data": data,
        "errors": list(errors),
    }
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows for people on a terminal, tab-separated lines with a heading otherwise; numbers are set to the right."""
    cells = [["" if value is None else value for value in row] for row in rows]
    if fancy():
        _rich_table(columns, cells)
        return
    for line in (columns, *cells):
        click.echo("\t".join(_one_line(value) for value in line))


def _rich_table(columns: Sequence[str], cells: Sequence[Sequence[object]]) -> None:
    from rich.console import Console  # only a terminal pays for these imports
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


def _one_line(value: object) -> str:
    """A cell's text: thousands stay plain digits, control characters would break lines and columns."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text)

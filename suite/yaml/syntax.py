"""What to do about text that is no YAML: the parser says where it gave up, and seldom what would be right."""

import re
from collections.abc import Sequence

from yaml import MarkedYAMLError

_KEY = re.compile(r"[^\s#'\"{\[].*?:\s|[{,]\s*[\w$-]+:\s")
_NO_START = "@`%"
_CLOSED = ("flow", "quoted")  # what the parser calls brackets and quotes


def syntax_words(error: MarkedYAMLError) -> str:
    """What the parser says."""
    context = f"{error.context}: " if error.context else ""
    return f"not YAML: {context}{error.problem or 'unknown problem'}"


def syntax_hint(error: MarkedYAMLError, text: str) -> str:
    """What would be right; "" where that cannot be told.

    Args:
        error: what the parser gave up with.
        text: all that it read.
    """
    mark = error.problem_mark
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return _unclosed(error)
    line = lines[mark.line]
    if (
        "\t" in line[: len(line) - len(line.lstrip())]
        or line[mark.column : mark.column + 1] == "\t"
    ):
        return "indent with blanks, not with a tab"
    if line[mark.column : mark.column + 1] == ":":
        return _colon(lines, mark.line, mark.column)
    sign = line[mark.column : mark.column + 1]
    if sign and sign in _NO_START:
        return f"put a text that begins with {sign} in quotes"
    return _unclosed(error)


def _colon(lines: Sequence[str], number: int, column: int) -> str:
    """About a colon that cannot be where it is: after another one, or under a line that is not finished."""
    line = lines[number]
    if _KEY.search(line[:column]):
        return 'put it in quotes: a text that holds ": " is "like: this"'
    above = lines[number - 1] if number else ""
    if ":" in above and not re.search(r":(\s|$)", above):
        return "a blank belongs after the colon of the line above"
    if _indent(line) > _indent(above):
        return "indent it like the line above"
    return ""


def _unclosed(error: MarkedYAMLError) -> str:
    """Where the bracket or quote begins that is not closed."""
    start = error.context_mark
    if start is None or not any(kind in (error.context or "") for kind in _CLOSED):
        return ""
    return f"close what begins in line {start.line + 1}, column {start.column + 1}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())

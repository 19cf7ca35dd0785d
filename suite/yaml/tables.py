"""The tables of keys that stand in the documentation, made from the records that decode the files.

A page marks where one stands, and `rewritten` puts the present one there:

    <!-- keys of recipe.optimizer -->
    ...
    <!-- end -->
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING

from suite.yaml.records import Decoder
from suite.yaml.rules import Key
from suite.yaml.shapes import OrWord

Column = Callable[[Key], str]
_REGION = re.compile(r"(<!-- keys of ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(keys: Iterable[Key], columns: Mapping[str, Column], first: str = "key") -> str:
    """A Markdown table: a row a key, its name first, then the columns by their headings."""
    lines = [_row([first, *columns]), _row(["---"] * (len(columns) + 1))]
    for key in keys:
        if key.rule.note:
            cells = (column(key) for column in columns.values())
            lines.append(_row([f"`{key.key}`", *cells]))
    return "\n".join(lines) + "\n"


def rewritten(page: str, tables: Mapping[str, str]) -> str:
    """The page with the tables of the regions that it marks; KeyError for a region that no table is for."""
    return _REGION.sub(lambda match: f"{match[1]}{tables[match[2]]}{match[3]}", page)


def note(key: Key) -> str:
    """What the key means."""
    return str(key.rule.note)


def default(key: Key) -> str:
    """The value where a file leaves the key out, "" where there is none or it is a record."""
    value = key.default
    if value is None and isinstance(key.form, OrWord):
        return key.form.word
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    return value if isinstance(value, str) else ""


def limits(language: type[Decoder]) -> Column:
    """The column that says what may be written, for the keys of a language."""
    return lambda key: key.form.limits(language)


def needed(key: Key) -> str:
    """Whether a file must have the key."""
    return "yes" if key.default is MISSING else ""


def _row(cells: Sequence[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"

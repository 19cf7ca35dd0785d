"""Sweeps: a tree with `$placeholders` becomes one tree for every combination of the axes' values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from suite.spec.records.vocabulary import MAX_MEMBERS
from suite.yaml.document import Items, Node, Scalar, Table
from suite.yaml.errors import quote, suggest
from suite.yaml.reader import Reader

MAX_COPIED = 100_000  # values of all copies of a file together
PLACEHOLDER = re.compile(r"\$([a-z][a-z0-9]*)")
_AXIS = re.compile(r"[a-z][a-z0-9]*")
_LABEL = re.compile(r"[A-Za-z0-9.-]+")
_PROSE = ("title", "paper", "name")  # always words, so a value appears in them as its label


@dataclass(frozen=True, slots=True)
class Point:
    """One value of an axis, and what it is called in names and titles."""

    label: str
    node: Node


def fillings(root: Table, axes: Node | None, reader: Reader) -> Iterator[Table]:
    """The tree once for every combination, the last axis fastest; the tree itself where there are no axes."""
    if axes is None:
        yield root
        return
    table = reader.table(axes, "`axes`")
    points = {name: _points(name, table, reader) for name in table.entries} if table else {}
    if table and not points:
        reader.problems.add(axes.mark, "E103", "`axes` names no axis")
    _check_placeholders(root, points, reader)
    number = prod(len(values) for values in points.values())
    if number > MAX_MEMBERS or number * size(root) > MAX_COPIED:
        reader.problems.add(
            axes.mark, "E005", f"the axes make {number} variants, which is too much for one file"
        )
    if reader.problems.found:
        return
    for chosen in product(*points.values()):
        yield _filled_table(root, dict(zip(points, chosen, strict=True)))


def _points(name: str, axes: Table, reader: Reader) -> list[Point]:
    """The values of an axis: a list of plain values, or a mapping that gives each value a label."""
    node = axes.entries[name]
    if not _AXIS.fullmatch(name):
        hint = "small letters and digits, a letter first"
        reader.problems.add(axes.keys[name], "E208", f"{quote(name)} cannot name an axis", hint)
    if isinstance(node, Table):
        points = [Point(label, value) for label, value in node.entries.items()]
    else:
        values = reader.items(node, f"the axis {quote(name)}")
        points = [Point(_text(value), value) for value in values if isinstance(value, Scalar)]
        for value in values:
            if not isinstance(value, Scalar):
                reader.problems.add(
                    value.mark,
                    "E101",
                    "a value that is no number or word needs a label",
                    "{label: …}",
                )
    for point in points:
        if not _LABEL.fullmatch(point.label):
            reader.problems.add(
                point.node.mark,
                "E208",
                f"{quote(point.label)} cannot be part of a name",
                "{label: …}",
            )
    if not points:
        reader.problems.add(node.mark, "E103", f"the axis {quote(name)} has no values")
    return points


def _text(node: Scalar) -> str:
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)


def _check_placeholders(root: Table, points: Mapping[str, object], reader: Reader) -> None:
    """Every placeholder names an axis, and every axis has one."""
    used: set[str] = set()
    for scalar in _scalars(root):
        for name in PLACEHOLDER.findall(str(scalar.value)) if isinstance(scalar.value, str) else ():
            used.add(name)
            if name not in points:
                reader.problems.add(
                    scalar.mark, "E211", f"no axis {quote(name)}", suggest(name, points)
                )
    for name in points.keys() - used:
        reader.problems.add(
            root.mark,
            "E211",
            f"nothing uses the axis {quote(name)}",
            f"write ${name} where it acts",
        )


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    else:
        for child in node.entries.values() if isinstance(node, Table) else node.items:
            yield from _scalars(child)


def size(node: Node) -> int:
    """The number of values in a tree."""
    return sum(1 for _ in _scalars(node))


def _filled_table(table: Table, chosen: Mapping[str, Point]) -> Table:
    prose = () if "block" in table.entries else _PROSE  # a block may have an option `name`
    entries = {
        key: _worded(node, chosen)
        if key in prose and isinstance(node, Scalar)
        else _filled(node, chosen)
        for key, node in table.entries.items()
    }
    return Table(entries, table.keys, table.mark)


def _filled(node: Node, chosen: Mapping[str, Point]) -> Node:
    """A placeholder that is the whole value becomes the axis's value, in the place where it is used."""
    if isinstance(node, Table):
        return _filled_table(node, chosen)
    if isinstance(node, Items):
        return Items([_filled(item, chosen) for item in node.items], node.mark)
    whole = PLACEHOLDER.fullmatch(node.value) if isinstance(node.value, str) else None
    if whole is None:
        return _worded(node, chosen)
    value = chosen[whole[1]].node
    return value._replace(mark=node.mark) if isinstance(value, Scalar) else value


def _worded(node: Scalar, chosen: Mapping[str, Point]) -> Scalar:
    """Placeholders inside a longer word become labels."""
    if not isinstance(node.value, str):
        return node
    return node._replace(value=PLACEHOLDER.sub(lambda match: chosen[match[1]].label, node.value))

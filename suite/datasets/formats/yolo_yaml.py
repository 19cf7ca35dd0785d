"""YOLO's description of a data set: path, train, val, names, nc and kpt_shape of a data.yaml. Nothing in it is run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from suite.datasets.split import DataError
from suite.yaml.document import Items, Node, Scalar, Table, parse, read_bytes
from suite.yaml.errors import Problems, SpecError

_MOST_CLASSES = 10_000


@dataclass(frozen=True, slots=True)
class Said:
    """A word and its line."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Description:
    """What the file says; `path` is empty where it says nothing.

    `key_points` are how many each object has, and how many numbers (2 or 3) each of them: `kpt_shape`.
    """

    path: Said
    parts: Mapping[str, tuple[Said, ...]]
    names: tuple[str, ...]
    key_points: tuple[int, int] | None = None


def has_names(file: Path) -> bool:
    """Whether a .yaml file could be a description, which any other file beside the data is not taken for."""
    try:
        return re.search(rb"^names\s*:", read_bytes(file), re.MULTILINE) is not None
    except SpecError:
        return False


def read_description(file: Path) -> Description:
    """Read a data.yaml; keys that concern neither the pictures nor the classes are passed over.

    Raises:
        DataError: it is no YAML, or its names are wrong.
    """
    root = _root(file)
    entries = root.entries
    parts: dict[str, tuple[Said, ...]] = {"train": (), "val": ()}
    for key in parts:
        if key in entries:
            parts[key] = tuple(_said(file, node, key) for node in _several(entries[key]))
    path = _said(file, entries["path"], "path") if "path" in entries else Said("", 0)
    return Description(path, parts, _names(file, root), _key_points(file, root))


def _root(file: Path) -> Table:
    problems = Problems({})
    try:
        text = read_bytes(file).decode("utf-8-sig", errors="replace")
        if not text.strip():
            raise DataError(f"{file}:1: is empty; it must have `train`, `val` and `names`")
        root = parse(text, str(file), problems, numbers_as_keys=True)
        problems.raise_if_any()
    except SpecError as error:
        problem = error.problems[0]
        line = problem.mark.line if problem.mark else 1
        raise DataError(
            f"{file}:{line}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
        ) from error
    if not isinstance(root, Table):
        raise DataError(f"{file}:1: is no mapping; it must have `train`, `val` and `names`")
    return root


def _said(file: Path, node: Node, key: str) -> Said:
    value = node.value if isinstance(node, Scalar) else None
    if value is None:
        raise DataError(
            f"{file}:{node.mark.line}: `{key}` has no word for its value; it must be a path"
        )
    return Said(str(value), node.mark.line)


def _several(node: Node) -> list[Node]:
    return node.items if isinstance(node, Items) else [node]


def _names(file: Path, root: Table) -> tuple[str, ...]:
    if "names" not in root.entries:
        raise DataError(
            f"{file}:1: has no `names`; they are a list, or a mapping of 0, 1, ... to words"
        )
    node = root.entries["names"]
    line = node.mark.line
    rows = _listed(file, node)
    names = [str(row.value) for row in rows if isinstance(row, Scalar) and row.value is not None]
    if len(names) != len(rows) or not 1 <= len(names) <= _MOST_CLASSES:
        raise DataError(
            f"{file}:{line}: `names` has {len(names)} words in {len(rows)} members; one class, one word"
        )
    double = _first_double(names)
    if double is not None:
        raise DataError(f"{file}:{line}: `names` has {double!r} twice; names must differ")
    count = root.entries.get("nc")
    if isinstance(count, Scalar) and count.value != len(names):
        raise DataError(
            f"{file}:{count.mark.line}: `nc` is {count.value}, but there are {len(names)} `names`"
        )
    return tuple(names)


def _key_points(file: Path, root: Table) -> tuple[int, int] | None:
    node = root.entries.get("kpt_shape")
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return None
    items = node.items if isinstance(node, Items) else []
    values = [item.value for item in items if isinstance(item, Scalar)]
    numbers = [value for value in values if type(value) is int]
    if len(numbers) != 2 or len(items) != 2 or numbers[0] < 1 or numbers[1] not in {2, 3}:
        raise DataError(
            f"{file}:{node.mark.line}: `kpt_shape` is not two whole numbers; it has how many key points there are, "
            "and 2 or 3 for the numbers of each, such as [17, 3]"
        )
    return numbers[0], numbers[1]


def _first_double(names: list[str]) -> str | None:
    if len(set(names)) == len(names):  # the usual case, and quick for ten thousand of them
        return None
    return next(name for name in names if names.count(name) > 1)


def _listed(file: Path, node: Node) -> list[Node]:
    """The names in the order of their classes."""
    if isinstance(node, Items):
        return node.items
    if not isinstance(node, Table):
        raise DataError(
            f"{file}:{node.mark.line}: `names` is one word; it must be a list, one word a class"
        )
    keys = [str(number) for number in range(len(node.entries))]
    if set(keys) != set(node.entries):
        wrong = next(key for key in node.entries if key not in keys)
        raise DataError(
            f"{file}:{node.keys[wrong].line}: `names` has the key {wrong!r}; keys are 0 to {len(keys) - 1}"
        )
    return [node.entries[key] for key in keys]

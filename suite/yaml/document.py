"""A YAML file as a small tree that knows where everything stands: YAML 1.2 scalars, bounded, without tags.

PyYAML's own constructors turn `1e-3` into a word and `no` into false, keep the last of two equal keys and follow
aliases without limit, so only its parser is used: events in, a tree of three node classes out.
"""

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from suite.record import Json
from suite.yaml.errors import Problems, SpecError, first_line, quote
from suite.yaml.mark import Mark
from suite.yaml.syntax import syntax_hint, syntax_words

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 20_000
MAX_DIGITS = 18

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("0123456789+-.")
_OTHER_NUMBERS = re.compile(
    r"[-+]?(0[xob][0-9a-fA-F_]+|\.(inf|Inf|INF)|[0-9][0-9_]*_[0-9_]*)|\.(nan|NaN|NAN)"
)


class Scalar(NamedTuple):
    """A word, number, truth value or null. `sound` is False if it has been reported already."""

    value: str | int | float | bool | None
    mark: Mark
    sound: bool = True


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    items: list["Node"]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping: words to nodes; `keys` says where each key stands."""

    entries: dict[str, "Node"]
    keys: dict[str, Mark]
    mark: Mark


Node: TypeAlias = Scalar | Items | Table


def shown_path(path: Path) -> str:
    """A path as messages show it: relative to the working folder if inside, control characters escaped."""
    text = str(path)
    with suppress(ValueError, OSError, RuntimeError):
        here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118  (resolving takes 0.3 ms a file)
        inside = text.startswith(here) and ".." not in path.parts
        text = text[len(here) :] if inside else str(path.resolve().relative_to(here))
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def read_bytes(path: Path) -> bytes:
    """The content of a regular file of bounded size; SpecError for anything else (pipes and devices never block)."""
    mark = Mark(shown_path(path), 1, 1)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SpecError.single(mark, "E006", f"cannot be read: {reason}") from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise SpecError.single(mark, "E006", "is not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(handle)
    if len(content) > MAX_BYTES:
        raise SpecError.single(mark, "E005", f"is larger than {MAX_BYTES // 1024} KiB")
    return content


def parse(text: str, file: str, problems: Problems, *, numbers_as_keys: bool = False) -> Node:
    """The tree of the one document in `text`.

    Args:
        text: YAML 1.2, bounded in depth and in values, counted with aliases written out.
        file: what marks and messages call the file.
        problems: gets what is wrong with single values; the reading goes on after them.
        numbers_as_keys: take the key 0 for the word "0", as foreign files have them.

    Returns:
        The root: a `Table`, `Items` or `Scalar`, each with the line and column where it stands.

    Raises:
        SpecError: the text is no YAML (E001), too deep or too large (E005), or has an alias to nothing (E003).

    Example:
        >>> parse("base: yolov5s", "f.yaml", Problems()).entries["base"]
        Scalar(value='yolov5s', mark=Mark(file='f.yaml', line=1, column=7), sound=True)
    """
    composer = _Composer(file, problems, numbers_as_keys)
    try:
        composer.read(text)
    except yaml.MarkedYAMLError as error:
        start = error.problem_mark or error.context_mark
        _check_bounds(text[: start.index] if start else "", file)
        mark = Mark(file, start.line + 1, start.column + 1) if start else Mark(file, 1, 1)
        words, hint = syntax_words(error), syntax_hint(error, text)
        raise SpecError.single(mark, "E001", words, hint=hint) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise SpecError.single(Mark(file, 1, 1), "E001", f"not YAML: {first_line(error)}") from None
    if composer.root is None:
        raise SpecError.single(
            Mark(file, 1, 1), "E001", "the file is empty; a variant has at least `base`"
        )
    return composer.root


def is_word(text: str) -> bool:
    """Whether the text, written without quotes, is read as a word and not as a number, truth value or null."""
    return text not in _WORDS and not any(
        p.fullmatch(text) for p in (_WHOLE, _NUMBER, _OTHER_NUMBERS)
    )


def plain(node: Node) -> Json:
    """The node's value without its marks."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.entries.items()}


def _check_bounds(text: str, file: str) -> None:
    """Raise E005 if the text before a parser's complaint is already out of bounds.

    A parser reads up to 1,024 characters of a line before it tells of the first bracket in it, and may have a bound on
    nesting of its own: what it then complains of comes after the place where ours was passed.
    """
    try:
        _Composer(file, Problems()).read(text)
    except SpecError as error:
        if error.problems[0].code == "E005":
            raise
    except (yaml.YAMLError, UnicodeError):  # the text ends where no document does
        return


@dataclass(slots=True)
class _Frame:
    """A collection that is being filled; `key` is the mapping key that waits for its value."""

    node: Items | Table
    anchor: str | None
    key: Scalar | None = None
    start: int = 0  # nodes counted before it: what an alias to it will add


@dataclass(slots=True)
class _Composer:
    """Events in, a tree out. Every value of every file passes here, so the way of a plain word is short."""

    file: str
    problems: Problems
    numbers_as_keys: bool = False
    root: Node | None = None
    count: int = 0
    documents: int = 0
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)

    def read(self, text: str) -> None:
        """Every event of the text."""
        for event in iter(_LOADER(text).get_event, None):
            self.take(event)

    def take(self, event: Any) -> None:
        """One event of the parser."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self.place(self.scalar(event))
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self.open(event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.place(self.close())
        elif kind is yaml.AliasEvent:
            self.place(self.alias(event))
        elif kind is yaml.DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                raise self.error(
                    event, "E001", "a second document starts here; a file describes one variant"
                )

    def place(self, node: Node) -> None:
        """Put a finished node where it belongs: the root, a list, or a mapping's next key or value."""
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        parent = frame.node
        if type(parent) is Items:
            parent.items.append(node)
        elif frame.key is None:
            frame.key = (
                node if type(node) is Scalar and type(node.value) is str else self.no_key(node)
            )
        else:
            assert isinstance(parent, Table)
            self.put(parent, frame.key, node)
            frame.key = None

    def scalar(self, event: Any) -> Scalar:
        """A value, counted and checked."""
        start = event.start_mark
        mark = Mark(self.file, start.line + 1, start.column + 1)
        text = event.value
        self.count += 1
        if self.count > MAX_NODES or event.tag is not None:
            self.check(event)
        # quoted: always a word
        if event.style or (text and text[0] not in _NUMBER_STARTS and text not in _WORDS):
            node = Scalar(text, mark)
        else:
            node = self.plain(text, mark)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1)
        return node

    def open(self, event: Any) -> None:
        """A collection begins."""
        self.count += 1
        if self.count > MAX_NODES or event.tag is not None:
            self.check(event)
        if len(self.stack) >= MAX_DEPTH:
            raise self.error(event, "E005", f"nested deeper than {MAX_DEPTH} levels")
        mark = self.mark(event)
        is_table = type(event) is yaml.MappingStartEvent
        node = Table({}, {}, mark) if is_table else Items([], mark)
        self.stack.append(_Frame(node, event.anchor, start=self.count - 1))

    def close(self) -> Node:
        """The collection that ends."""
        frame = self.stack.pop()
        if frame.anchor is not None:
            self.anchors[frame.anchor] = (frame.node, self.count - frame.start)
        return frame.node

    def alias(self, event: Any) -> Node:
        """What the alias stands for, counted as if it were written out."""
        if event.anchor not in self.anchors:
            inside = any(frame.anchor == event.anchor for frame in self.stack)
            message = "refers to itself" if inside else "has no anchor before it"
            raise self.error(event, "E003", f"the alias {quote(event.anchor)} {message}")
        node, size = self.anchors[event.anchor]
        self.count += size
        if self.count > MAX_NODES:
            raise self.too_many(event)
        return node

    def check(self, event: Any) -> None:
        """The limits, and the rule that nothing carries a tag."""
        if self.count > MAX_NODES:
            raise self.too_many(event)
        if event.tag is not None:
            self.problems.add(
                self.mark(event), "E003", f"the tag {quote(event.tag)} is not allowed"
            )

    def mark(self, event: Any) -> Mark:
        """Where an event stands."""
        return Mark(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def error(self, event: Any, code: str, message: str) -> SpecError:
        """An error at an event."""
        return SpecError.single(self.mark(event), code, message)

    def too_many(self, event: Any) -> SpecError:
        """The error of a file with too many values."""
        return self.error(
            event, "E005", f"more than {MAX_NODES} values, counted with aliases written out"
        )

    def no_key(self, node: Node) -> Scalar:
        """What stands for a key that is no word, after it was reported."""
        if (
            self.numbers_as_keys
            and isinstance(node, Scalar)
            and node.sound
            and isinstance(node.value, int)
        ):
            return Scalar(str(node.value), node.mark)
        self.problems.add(node.mark, "E101", "a key must be a word")
        return Scalar("", node.mark, sound=False)

    def put(self, table: Table, key: Scalar, node: Node) -> None:
        """A key with its value, once."""
        if not key.sound:
            return
        name = str(key.value)
        if name in table.entries:
            first = table.keys[name].line
            self.problems.add(
                key.mark, "E002", f"key {quote(name)} is given twice; first on line {first}"
            )
            return
        table.entries[name] = node
        table.keys[name] = key.mark

    def plain(self, text: str, mark: Mark) -> Scalar:
        """YAML 1.2 core schema in decimal: what another reading would make something else of is refused."""
        if text in _WORDS:
            return Scalar(_WORDS[text], mark)
        if _WHOLE.fullmatch(text) or _NUMBER.fullmatch(text):
            return self.number(text, mark)
        if _OTHER_NUMBERS.fullmatch(text):
            self.problems.add(
                mark, "E004", f"{quote(text)} is not a number here", "write plain decimal digits"
            )
            return Scalar(text, mark, sound=False)
        return Scalar(text, mark)

    def number(self, text: str, mark: Mark) -> Scalar:
        """A number in the bounds, written without a leading zero."""
        digits = text.lstrip("+-")
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            hint = "leave the zero out, or quote it if it is a word"
            self.problems.add(mark, "E004", f"{quote(text)} starts with a zero", hint)
        elif len(text) > MAX_DIGITS + 6 or (_WHOLE.fullmatch(text) and len(digits) > MAX_DIGITS):
            self.problems.add(mark, "E004", f"the number {quote(text)} is too long")
        elif _WHOLE.fullmatch(text):
            return Scalar(int(text), mark)
        elif abs(float(text)) == float("inf"):
            self.problems.add(mark, "E004", f"the number {quote(text)} is too large")
        else:
            return Scalar(float(text), mark)
        return Scalar(text, mark, sound=False)

"""New variant files from a few words: `block=c3.C3,part=backbone` becomes a selector, `cbam.CBAM` a layer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suite.record import Json
from suite.spec.language.keys import COMPANIONS, CONDITIONS
from suite.spec.records.steps import Verb
from suite.spec.records.variant import PARTS
from suite.spec.views.write import flow, prose
from suite.yaml.document import Table, parse, plain
from suite.yaml.errors import Problems, SpecError, quote

_BETWEEN = re.compile(r",(?![^\[]*\])")  # commas that are not within brackets
_ADDRESS = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_*?]\w*")
_ORDER = ("part", "tag", "stage", "block", "kernel", "stride", "groups", "path", "count")
Words = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class DraftEdit:
    """An edit as it will be written; `place` is before or after, for what is inserted."""

    verb: Verb
    select: Words
    what: Words = field(default_factory=dict)
    place: str = ""

    def lines(self, count: int | None = None) -> list[str]:
        """The two or three lines of the file; `count` pins the number of matches."""
        select: dict[str, Json] = dict(sorted(self.select.items(), key=_rank))
        if count is not None:
            select["count"] = count
        if self.verb == "insert":
            return [f"  - insert: {flow(dict(self.what))}", f"    {self.place}: {flow(select)}"]
        first = f"  - {self.verb}: {flow(select)}"
        return [first, *(f"    {key}: {flow(dict(self.what))}" for key in COMPANIONS[self.verb])]

    def phrase(self) -> str:
        """What it does, for a title."""
        block = self.what.get("block", "")
        others = " and ".join(
            f"{key} {_spoken(value)}" for key, value in self.what.items() if key != "block"
        )
        made = f"{block} ({others})" if block and others else f"{block}{others}"
        joint = {"insert": self.place, "replace": "in place of", "set": "at"}
        where = _place(self.select)
        return (
            f"without {where}"
            if self.verb == "remove"
            else f"with {made} {joint[self.verb]} {where}"
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is to be.

    `blocks` are files of the user's own, relative to it; `backbone` is what follows its key: one line, or one a layer.
    """

    base: str
    title: str
    paper: str = ""
    blocks: tuple[str, ...] = ()
    backbone: tuple[str, ...] = ()
    edits: tuple[DraftEdit, ...] = ()

    def text(self, counts: Sequence[int | None] = ()) -> str:
        """The file without the line for editors and the promise; `counts` are the numbers of matches of the edits."""
        lines = [f"title: {prose(self.title)}"]
        lines += [f"paper: {prose(self.paper)}"] if self.paper else []
        lines += [f"base: {self.base}"]
        lines += [f"blocks: {flow(list(self.blocks))}"] if self.blocks else []
        if self.backbone:
            inline = self.backbone[0].startswith("{of")
            lines += [f"backbone: {self.backbone[0]}"] if inline else ["backbone:", *self.backbone]
        lines += ["edits:"] if self.edits else []
        for index, edit in enumerate(self.edits):
            lines += edit.lines(counts[index] if counts else None)
        return "\n".join(lines) + "\n"


def read_block(text: str) -> dict[str, Json]:
    """A layer or a change of one: an address, then options as `name=value`; ValueError says what is wrong."""
    found = _read(text, {"block": _ADDRESS})
    if "block" not in found:
        raise ValueError(f"{quote(text)} names no block; write its address, such as cbam.CBAM")
    return found


def read_options(text: str) -> dict[str, Json]:
    """`name=value` pairs; ValueError says what is wrong."""
    return _read(text, {})


def read_selector(text: str) -> dict[str, Json]:
    """Conditions as `name=value`; an address alone is a block, backbone, neck or head alone a part."""
    found = _read(text, {"part": re.compile("|".join(PARTS)), "block": _ADDRESS})
    for name in found:
        if name not in CONDITIONS:
            raise ValueError(f"no condition {quote(name)}; there are: {', '.join(CONDITIONS)}")
    return found


def without_keys(text: str, file: str, keys: Sequence[str]) -> list[str]:
    """The file's lines without the first comment for editors and without these keys; SpecError if it has no keys."""
    problems = Problems()
    root = parse(text, file, problems)
    problems.raise_if_any()
    marks = root.keys if isinstance(root, Table) else {}
    if not marks or any(mark.column != 1 for mark in marks.values()):
        raise SpecError.single(
            root.mark, "E101", "is not written with a key a line, and cannot be copied"
        )
    lines = text.splitlines()
    starts = sorted(mark.line - 1 for mark in marks.values())
    gone = {0} if lines[0].startswith("# yaml-language-server") else set()
    for key in marks.keys() & set(keys):
        start = marks[key].line - 1
        end = min((other for other in starts if other > start), default=len(lines))
        while lines[end - 1].startswith("#") or not lines[end - 1].strip():
            end -= 1  # what stands above the next key belongs to it
        gone |= set(range(start, end))
    return [line for number, line in enumerate(lines) if number not in gone]


def _read(text: str, bare: Mapping[str, re.Pattern[str]]) -> dict[str, Json]:
    """The pairs of a text; `bare` are the names that a word without `=` may stand for. A name given twice is a list."""
    found: dict[str, Json] = {}
    for piece in _BETWEEN.split(text):
        name, equals, value = piece.strip().partition("=")
        if not equals:
            value = name
            name = next((key for key, pattern in bare.items() if pattern.fullmatch(value)), "")
        if not name.strip() or not value.strip():
            raise ValueError(f"{quote(piece)} is no name=value")
        _keep(found, name.strip(), _value(value.strip()))
    return found


def _keep(found: dict[str, Json], name: str, value: Json) -> None:
    if name not in found:
        found[name] = value
        return
    before = found[name]
    members: list[Json] = before if isinstance(before, list) else [before]
    found[name] = [*members, *(value if isinstance(value, list) else [value])]


def _value(text: str) -> Json:
    """A number, a truth value, a word or a list, as YAML reads it; a pattern is a word."""
    if text[0] in "*&!%@`":
        return text
    problems = Problems()
    try:
        node = parse(text, "", problems)
        problems.raise_if_any()
    except SpecError as error:
        raise ValueError(f"{quote(text)} is no value: {error.problems[0].message}") from None
    return plain(node)


def _rank(item: tuple[str, Json]) -> int:
    return _ORDER.index(item[0])


def _place(select: Words) -> str:
    """A selector in words: c3.C3 stage 16 of the backbone."""
    named = {key: _spoken(value) for key, value in sorted(select.items(), key=_rank)}
    words = [
        named[key] if key == "block" else f"{key} {named[key]}" for key in named if key != "part"
    ]
    words.sort(key=lambda word: word != named.get("block"))
    part = f"the {named['part']}" if "part" in named else ""
    return f"{' '.join(words)} of {part}" if words and part else part or " ".join(words)


def _spoken(value: Json) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)

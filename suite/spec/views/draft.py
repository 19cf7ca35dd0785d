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
        where = _phrase(self.select)
        if self.verb == "remove":
            return f"without {where}"
        return f"with {made} {joint[self.verb]} {where}"


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
    layer = _read(text, {"block": _ADDRESS})
    if "block" not in layer:
        raise ValueError(f"{quote(text)} names no block; write its address, such as cbam.CBAM")
    return layer


def read_options(text: str) -> dict[str, Json]:
    """`name=value` pairs; ValueError says what is wrong."""
    return _read(text, {})


def read_selector(text: str) -> dict[str, Json]:
    """Conditions as `name=value`; an address alone is a block, backbone, neck or head alone a part."""
    selector = _read(text, {"part": re.compile("|".join(PARTS)), "block": _ADDRESS})
    for name in selector:
        if name not in CONDITIONS:
            raise ValueError(f"no condition {quote(name)}; there are: {', '.join(CONDITIONS)}")
    return selector


def without_keys(text: str, file: str, keys: Sequence[str]) -> list[str]:
    """The file's lines without the first comment for editors and without these keys; SpecError if it has no keys."""
    problems = Problems()
    root = parse(text, file, problems)
    problems.raise_if_any()
    marks = root.keys if isinstance(root, Table) else {}
    if not marks or any(mark.column != 1 for mark in marks.values()):
        message = "is not written with a key a line, and cannot be copied"
        raise SpecError.single(root.mark, "E101", message)
    lines = text.splitlines()
    starts = [mark.line - 1 for mark in marks.values()]
    gone = {0} if lines[0].startswith("# yaml-language-server") else set()
    for key in marks.keys() & set(keys):
        gone |= set(_lines_of_key(lines, marks[key].line - 1, starts))
    return [line for number, line in enumerate(lines) if number not in gone]


def _lines_of_key(lines: Sequence[str], start: int, starts: Sequence[int]) -> range:
    """The numbers of the lines from a key to the next one; what stands above that belongs to it."""
    end = min((other for other in starts if other > start), default=len(lines))
    while lines[end - 1].startswith("#") or not lines[end - 1].strip():
        end -= 1
    return range(start, end)


def _read(text: str, bare: Mapping[str, re.Pattern[str]]) -> dict[str, Json]:
    """The pairs of a text; `bare` are the names that a word without `=` may stand for. A name given twice is a list."""
    pairs: dict[str, Json] = {}
    for piece in _BETWEEN.split(text):
        name, equals, value = piece.strip().partition("=")
        if not equals:
            value = name
            name = next((key for key, pattern in bare.items() if pattern.fullmatch(value)), "")
        if not name.strip() or not value.strip():
            raise ValueError(f"{quote(piece)} is no name=value")
        _keep(pairs, name.strip(), _value(value.strip()))
    return pairs


def _keep(pairs: dict[str, Json], name: str, value: Json) -> None:
    """Add a pair; values of one name make a list."""
    if name in pairs:
        pairs[name] = [*_members(pairs[name]), *_members(value)]
    else:
        pairs[name] = value


def _members(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


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
    return [*CONDITIONS, "count"].index(item[0])


def _phrase(select: Words) -> str:
    """A selector in words: c3.C3 stage 16 of the backbone."""
    spoken = {key: _spoken(value) for key, value in sorted(select.items(), key=_rank)}
    part, block = spoken.pop("part", ""), spoken.pop("block", "")
    conditions = [f"{key} {value}" for key, value in spoken.items()]
    layers = " ".join([block, *conditions] if block else conditions)
    if not part:
        return layers
    return f"{layers} of the {part}" if layers else f"the {part}"


def _spoken(value: Json) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)

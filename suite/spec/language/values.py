"""The values of a file that have a form of their own: references, frozen stages, files, anchors, expectations."""

import re
from pathlib import Path
from typing import Any, Protocol

from suite.record import Json
from suite.spec.records.source import Anchors, Reference
from suite.spec.records.variant import PARTS, Expect, Norm
from suite.spec.records.vocabulary import (
    FROZEN_STAGE,
    MAX_ANCHOR,
    MAX_LEVELS,
    SCRATCH,
    WEIGHTS_FILES,
)
from suite.yaml.document import Node, Scalar
from suite.yaml.forms import Number, Schema, Word
from suite.yaml.reader import Reader
from suite.yaml.records import Check, Decoder, Entries
from suite.yaml.schemas import Schemas, ref
from suite.yaml.shapes import Special

PLACEHOLDER = "^\\$[a-z][a-z0-9]*$"  # of an axis, in the place of any value
SCHEMAS = Schemas(Decoder, placeholder=PLACEHOLDER)
_FROZEN = re.compile(FROZEN_STAGE)
WORD = SCHEMAS.value(Word())
_SIDE = Number(0, MAX_ANCHOR, above=True, as_written=True)


class _InFolder(Protocol):
    """A decoder that knows where the file lies."""

    reader: Reader
    folder: Path


def read_reference(decoder: Decoder, node: Node, _called: str) -> Reference | None:
    """Another variant's name; whether there is such a variant is asked when it is resolved."""
    name = decoder.reader.word(node, "a variant's name")
    return Reference(name, node.mark) if name else None


def _weights(decoder: _InFolder, node: Node, called: str) -> str | None:
    """The absolute path of a file, "" for none."""
    word = decoder.reader.text(node, f"{called}, a file,")
    if word is None:
        return None
    if word == SCRATCH:
        return ""
    if not word.endswith(WEIGHTS_FILES):
        endings = " or ".join(WEIGHTS_FILES)
        message = f"{called} is a file that ends in {endings}, or {SCRATCH}"
        decoder.reader.problems.add(node.mark, "E101", message)
    return str(decoder.folder.absolute() / word)


def _frozen(decoder: Decoder, node: Node, called: str) -> tuple[str, ...]:
    """Parts, or a part and the output stride of some of its layers: "backbone 8"."""
    nodes = decoder.reader.several(node)
    entries = {_frozen_entry(decoder, each, called) for each in nodes} - {None}
    return tuple(sorted((str(entry) for entry in entries), key=_rank))


def _frozen_entry(decoder: Decoder, node: Node, called: str) -> str | None:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str) and _FROZEN.fullmatch(value):
        return value
    return decoder.reader.choice(node, called, PARTS)


def _rank(frozen: str) -> tuple[int, int]:
    """Parts in their order, then strides."""
    part, _, stride = frozen.partition(" ")
    return [str(known) for known in PARTS].index(part), int(stride or 0)


def _blocks(_decoder: Decoder, _node: Node, _called: str) -> tuple[()]:
    """Nothing: block files are read before the rest of the file, which needs them (`suite.spec.userblocks`)."""
    return ()


def _expect(decoder: Decoder, node: Node, called: str) -> Expect | None:
    return decoder.record(Expect, node, called)


def _anchors(decoder: Decoder, node: Node, called: str) -> Anchors | None:
    """One flat list of widths and heights in pixels a level."""
    reader = decoder.reader
    levels = tuple(tuple(_sides(decoder, level)) for level in reader.items(node, called))
    if len(levels) > MAX_LEVELS or any(len(level) > 2 * MAX_LEVELS for level in levels):
        message = f"at most {MAX_LEVELS} levels of {MAX_LEVELS} anchors each"
        reader.problems.add(node.mark, "E104", message)
    elif len({len(level) for level in levels}) != 1 or not levels[0] or len(levels[0]) % 2:
        message = (
            f"{called} are lists of equal length, one a level, of widths and heights in pixels"
        )
        reader.problems.add(node.mark, "E101", message)
    return Anchors(levels, node.mark)


def _sides(decoder: Decoder, level: Node) -> list[float]:
    sides = decoder.reader.items(level, "the anchors of a level")
    numbers = (_SIDE.read(decoder, side, "a side of an anchor") for side in sides)
    return [number for number in numbers if number is not None]


def _check_norm(norm: Entries) -> None:
    kind = norm.values.get("kind", "group")
    if "groups" in norm.table.keys and kind != "group":
        message = f"`groups` are those of the group norm, and the norm is {kind}"
        norm.report("groups", "E105", message)


def _frozen_schema() -> Schema:
    stage: Schema = {"type": "string", "pattern": f"^{FROZEN_STAGE}$"}
    return SCHEMAS.several({"anyOf": [{"enum": list[Json](PARTS)}, stage]})


def _anchors_schema() -> Schema:
    sides: Schema = {"type": "array", "items": SCHEMAS.value(_SIDE), "minItems": 2}
    return SCHEMAS.any_of({"type": "array", "items": sides})


def _expect_schema() -> Schema:
    by_name: Schema = {"type": "object", "additionalProperties": ref("expect")}
    return {"anyOf": [ref("expect"), by_name]}


def _axes_schema() -> Schema:
    return {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z][a-z0-9]*$"},
        "additionalProperties": {"type": ["array", "object"]},
    }


def _of_designs(_decoder: Decoder, _node: Node, _called: str) -> None:
    """Nothing: designs are made to plain files before those are decoded (`suite.spec.language.designs`)."""


VALUE_FORMS = {
    "steps": Special(_of_designs, lambda: {"type": "array", "items": ref("step")}),
    "axes": Special(_of_designs, _axes_schema),
    "reference": Special(read_reference, lambda: WORD),
    "weights": Special(_weights, lambda: WORD),
    "freeze": Special(_frozen, _frozen_schema),
    "blocks": Special(_blocks, lambda: SCHEMAS.several(WORD)),
    "anchors": Special(_anchors, _anchors_schema),
    "expect": Special(_expect, _expect_schema),
}
VALUE_CHECKS: dict[type[Any], Check] = {Norm: Check(_check_norm)}

"""The JSON Schema of variant files (draft 2020-12), made from the decoder's records and the blocks' own constructors.

Editors complete keys, verbs, block addresses and each block's options by it. It is as strict as a schema can be; the
decoder stays the judge of what no schema sees: a base that is not there, a tag that nobody gives.
"""

import ast
from collections.abc import Iterable, Sequence
from typing import Any

from suite.record import Json
from suite.spec.blocks.options import MAPPINGS, POSITIVE, SEQUENCES, missing
from suite.spec.blocks.signatures import BlockSignature, Default, Signatures
from suite.spec.language.decode import SpecDecoder
from suite.spec.language.keys import FAMILY_KEYS, FILE_KEYS, LAYER_KEYS, TO_KEYS, WITH_KEYS
from suite.spec.language.values import PLACEHOLDER
from suite.spec.records.ladder import Design, Step
from suite.spec.records.lines import Line, Rewrite
from suite.spec.records.objective import Assigner, Loss, Suppression
from suite.spec.records.source import SpecFile
from suite.spec.records.steps import EDITS
from suite.spec.records.variant import PARTS, Expect, Schedule, Selector
from suite.spec.records.vocabulary import ANCHORS
from suite.yaml.forms import Schema
from suite.yaml.rules import plan_of
from suite.yaml.schemas import DRAFT, Schemas, closed, ref, required

SHARED: dict[type[Any], str] = {
    Loss: "loss",
    Assigner: "assigner",
    Suppression: "nms",
    Expect: "expect",
    Schedule: "schedule",
    Selector: "selector",
}
SCHEMAS = Schemas(SpecDecoder, SHARED, PLACEHOLDER)
_NUMBERS = {"int": "integer", "float": "number", "bool": "boolean"}


def schema(signatures: Signatures) -> Schema:
    """The whole schema: keys as the records have them, and for every block its own options.

    Args:
        signatures: the blocks that lines may name.

    Returns:
        A JSON document, by which a validator of draft 2020-12 judges a file.
    """
    blocks = [signatures.get(address) for address in signatures.addresses()]
    inside = [block for block in blocks if block.kind == "block"]
    heads = [block for block in blocks if block.kind == "head"]
    design = SCHEMAS.record(Design)["properties"]
    file = SCHEMAS.record(SpecFile)["properties"]
    assert isinstance(file, dict)
    assert isinstance(design, dict)
    return {
        "$schema": DRAFT,
        "title": "A variant of the YOLOv5 ablation suite, or several",
        **closed(file | design),
        "anyOf": [required(["base"]), required(PARTS)],
        "allOf": [_if_design()],
        "dependentRequired": {
            "depth": ["base"],
            "width": ["base"],
            "steps": ["base", "design"],
            "axes": ["base"],
        },
        "$defs": {
            "layer": _line(inside, out=True),
            "inserted": _line(inside, out=False),
            "head": _line(heads, out=True),
            "with": _with(blocks),
            "to": {
                "type": "object",
                "properties": {"block": False, **_keys_of(Rewrite, TO_KEYS[1:])},
            },
            "edit": {"type": "object", "oneOf": [SCHEMAS.record(kind) for kind in EDITS.values()]},
            **{name: SCHEMAS.record(kind) for kind, name in SHARED.items()},
            "step": _step(file),
            "address": _addresses(blocks),
            "own": _address_elsewhere(blocks),
            **{block.address: _block(block) for block in blocks},
        },
    }


def annotation_schema(annotation: str) -> Schema:
    """The values that fit a parameter's annotation; one that is not understood allows all, as when decoding."""
    return _annotated(ast.parse(annotation, mode="eval").body) if annotation else {}


def _step(file: dict[str, Json]) -> Schema:
    """A partial variant with a name of its own."""
    step = SCHEMAS.record(Step)
    assert isinstance(step["properties"], dict)
    keys = step["properties"] | {key: value for key, value in file.items() if key != "base"}
    return step | {"properties": keys}


def _if_design() -> Schema:
    """A file of several: with steps it has no changes of its own, and it promises by its variants' names."""
    elsewhere: Schema = dict.fromkeys((key for key in FILE_KEYS if key not in FAMILY_KEYS), False)
    with_steps: Schema = {
        "if": required(["steps"]),
        "then": {"properties": elsewhere},
        "else": {"required": ["name"], "properties": {"design": False}},
    }
    return {
        "if": {"anyOf": [required(["steps"]), required(["axes"])]},
        "then": with_steps,
        "else": {"properties": {"name": False, "design": False}},
    }


def _addresses(blocks: Iterable[BlockSignature]) -> Schema:
    return {"anyOf": [{"enum": [block.address for block in blocks]}, ref("own")]}


def _address_elsewhere(blocks: Iterable[BlockSignature]) -> Schema:
    """A block of a user's own file, whose name is none of the suite's: its options are not known here."""
    stems = "|".join(sorted({block.address.partition(".")[0] for block in blocks}))
    return {"type": "string", "pattern": f"^(?!(?:{stems})\\.)[A-Za-z]\\w*\\.[A-Za-z]\\w*$"}


def _keys_of(kind: type[Any], names: Iterable[str]) -> Schema:
    keys = plan_of(kind).keys
    return {name: SCHEMAS.key(keys[name]) for name in names}


def _line(blocks: Sequence[BlockSignature], *, out: bool) -> Schema:
    """A line that names one of the blocks and has that block's keys; `out` is demanded of complete lines."""
    return {
        "type": "object",
        "required": ["block"],
        "properties": {"block": _addresses(blocks)},
        "allOf": [_if_block(block, out=out) for block in blocks],
    }


def _with(blocks: Sequence[BlockSignature]) -> Schema:
    """What takes a layer's place: a line without tags."""
    others: Schema = dict.fromkeys((key for key in LAYER_KEYS if key not in WITH_KEYS), False)
    return _line(blocks, out=False) | {"properties": {"block": _addresses(blocks), **others}}


def _if_block(block: BlockSignature, *, out: bool) -> Schema:
    # a head's line may leave out what its file or its base says
    given = {ANCHORS} if block.kind == "head" else set()
    needed: list[Json] = [*missing(block, given)]
    if out and block.takes_out:
        needed.append("out")
    then = ref(block.address)
    if needed and (out or block.kind == "operator"):
        then["required"] = needed
    condition: Json = {"properties": {"block": {"const": block.address}}, "required": ["block"]}
    return {"if": condition, "then": then}


def _block(block: BlockSignature) -> Schema:
    """All keys of a line with this block: the language's where the block takes them, then its options."""
    refused = {"block"} | {key for key in ("out", "stride") if not getattr(block, f"takes_{key}")}
    keys = _keys_of(Line, (key for key in LAYER_KEYS if key not in refused))
    if block.kind == "operator":
        keys = {}
    options: Schema = {name: _option(block, name) for name in block.options}
    return closed({"block": {"const": block.address}, **keys, **options})


def _option(block: BlockSignature, name: str) -> Schema:
    option = annotation_schema(block.types[name])
    if name in POSITIVE:
        option["exclusiveMinimum"] = 0
    default = block.options[name]
    return option if isinstance(default, Default) else option | {"default": default}


def _annotated(annotation: ast.expr) -> Schema:
    if isinstance(annotation, ast.BinOp):
        return {"anyOf": [_annotated(annotation.left), _annotated(annotation.right)]}
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return {"type": "null"}
    if isinstance(annotation, ast.Name):
        return _scalar(annotation.id)
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        return _generic(annotation.value.id, annotation.slice)
    return {}


def _scalar(name: str) -> Schema:
    if name in _NUMBERS:
        return SCHEMAS.scalar(_NUMBERS[name])
    return {"type": "string"} if name == "str" else {}


def _generic(name: str, inner: ast.expr) -> Schema:
    members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        return SCHEMAS.any_of({"enum": [ast.literal_eval(member) for member in members]})
    if name in MAPPINGS:
        return {"type": "object"}
    if name not in SEQUENCES:
        return {}
    schema = SCHEMAS.scalar("array")
    open_ended = isinstance(members[-1], ast.Constant) and members[-1].value is ...
    if name != "tuple" or open_ended:
        return schema | {"items": _annotated(members[0])}
    size = len(members)
    fixed = list[Json](map(_annotated, members))
    return schema | {"prefixItems": fixed, "minItems": size, "maxItems": size}

"""The JSON Schema of variant files (draft 2020-12), made from the decoder's words and the blocks' own constructors.

Editors complete keys, verbs, block addresses and each block's options by it. It is as strict as a schema can be; the
decoder stays the judge of what no schema sees: a base that is not there, a tag that nobody gives.
"""

import ast
from collections.abc import Iterable
from typing import get_args

from suite.record import Json
from suite.spec.blocks.options import MAPPINGS, POSITIVE, SEQUENCES, missing
from suite.spec.blocks.signatures import BlockSignature, Default, Signatures
from suite.spec.language.vocabulary import (
    ACROSS,
    ACTIVATIONS,
    ASSIGNER_KEYS,
    CHANGE_KEYS,
    COMPANIONS,
    CONTROLS,
    DESIGN_KEYS,
    DESIGNS,
    EXPECT_KEYS,
    FAMILY_KEYS,
    FILE_KEYS,
    FROZEN_STAGE,
    LAYER_KEYS,
    LOSS_KEYS,
    MATCH_BY,
    MATCH_KEYS,
    MATCH_METRICS,
    MAX_ANCHOR,
    MAX_FACTOR,
    MAX_GROUPS,
    MAX_OUT,
    MAX_OUTPUTS,
    MAX_REPEAT,
    MAX_SELECTED,
    MAX_STRIDE,
    NMS_KEYS,
    NORM_KEYS,
    NORMS,
    SCHEDULE_KEYS,
    SELECTOR_NUMBERS,
    SELECTOR_WORDS,
    STEP_KEYS,
    VERBS,
)
from suite.spec.records.objective import AssignerName, BoxKind, ScoreKind, SuppressionKind
from suite.spec.records.variant import PARTS

Schema = dict[str, Json]
ASSIGNERS: tuple[str, ...] = get_args(AssignerName)
SUPPRESSIONS: tuple[str, ...] = get_args(SuppressionKind)
PLACEHOLDER = "^\\$[a-z][a-z0-9]*$"  # of an axis, in the place of any value
WORD: Schema = {"type": "string", "pattern": "\\S"}
_SCALARS: dict[str, Schema] = {
    "bool": {"type": ["boolean", "string"], "pattern": PLACEHOLDER},
    "int": {"type": ["integer", "string"], "pattern": PLACEHOLDER},
    "float": {"type": ["number", "string"], "pattern": PLACEHOLDER},
    "str": {"type": "string"},
}
_NUMBER = _SCALARS["float"]
FACTOR: Schema = {**_NUMBER, "exclusiveMinimum": 0, "maximum": MAX_FACTOR}
NUMBER: Schema = {**_NUMBER, "minimum": -MAX_SELECTED, "maximum": MAX_SELECTED}


def schema(signatures: Signatures) -> Schema:
    """The whole schema. A key of the decoder without a fragment here is a KeyError, so none can be forgotten."""
    blocks = [signatures.get(address) for address in signatures.addresses()]
    inside = [block for block in blocks if block.kind == "block"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A variant of the YOLOv5 ablation suite, or several",
        **_closed((*FILE_KEYS, *DESIGN_KEYS), _FILE),
        "anyOf": [{"required": ["base"]}, {"required": list(PARTS)}],
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
            "head": _line([block for block in blocks if block.kind == "head"], out=True),
            "with": _line(blocks, out=False)
            | {"properties": {"block": _addresses(blocks), **_NOT_IN_CHANGES}},
            "to": {
                "type": "object",
                "properties": {"block": False, **{key: _LAYER[key] for key in CHANGE_KEYS[1:]}},
            },
            "selector": _closed((*SELECTOR_WORDS, *SELECTOR_NUMBERS, "count"), _SELECTOR),
            "edit": {"type": "object", "oneOf": [_edit(verb, COMPANIONS[verb]) for verb in VERBS]},
            "schedule": _closed(SCHEDULE_KEYS, _SCHEDULE)
            | {
                "required": ["block", "set", "from", "to"],
                "anyOf": [{"required": ["over"]}, {"required": ["across"]}],
            },
            "expect": _closed(EXPECT_KEYS, _EXPECT),
            "loss": _closed(LOSS_KEYS, _LOSS),
            "assigner": _closed(ASSIGNER_KEYS, _ASSIGNER),
            "nms": _closed(NMS_KEYS, _NMS),
            "step": _closed(STEP_KEYS, _FILE) | {"required": ["name"]},
            "address": _addresses(blocks),
            "own": _own_address(blocks),
            **{block.address: _block(block) for block in blocks},
        },
    }


def annotation_schema(annotation: str) -> Schema:
    """The values that fit a parameter's annotation; one that is not understood allows all, as it does when decoding."""
    return _annotated(ast.parse(annotation, mode="eval").body) if annotation else {}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _whole(low: int, high: int) -> Schema:
    return {**_SCALARS["int"], "minimum": low, "maximum": high}


def _or_placeholder(*choices: Schema) -> Schema:
    return {"anyOf": [*choices, {"type": "string", "pattern": PLACEHOLDER}]}


def _several(one: Schema) -> Schema:
    """The thing itself, or a list of it."""
    return _or_placeholder(one, {"type": "array", "items": one})


def _closed(keys: Iterable[str], fragments: Schema) -> Schema:
    """A mapping of these keys and no others."""
    return {
        "type": "object",
        "properties": {key: fragments[key] for key in keys},
        "additionalProperties": False,
    }


def _part(line: str) -> Schema:
    borrowed = _closed(("of",), {"of": WORD}) | {"required": ["of"]}
    return {"anyOf": [{"type": "array", "items": _ref(line)}, borrowed]}


def _between(low: float, high: float, *, above: bool = False) -> Schema:
    return {**_SCALARS["float"], "exclusiveMinimum" if above else "minimum": low, "maximum": high}


def _named(names: tuple[str, ...], mapping: str) -> Schema:
    """A plain name, or a mapping with numbers."""
    return _or_placeholder({"enum": list(names)}, _ref(mapping))


_ANCHOR: Schema = _between(0, MAX_ANCHOR, above=True)
_FILE: Schema = {
    "title": WORD | {"description": "One line that a reader of the report understands"},
    "paper": WORD | {"description": "Where the idea is from"},
    "base": WORD | {"description": "The variant that this one starts from"},
    "match": _closed(
        MATCH_KEYS,
        {
            "metric": _or_placeholder({"enum": list(MATCH_METRICS)}),
            "to": WORD | {"description": "The variant whose cost is met"},
            "by": {"enum": list(MATCH_BY)},
            "tolerance": {**_NUMBER, "exclusiveMinimum": 0, "maximum": 1},
        },
    )
    | {
        "required": ["metric", "to"],
        "description": "Scales the base to the cost of another variant",
    },
    "depth": FACTOR | {"description": "Factor on the base's repeats"},
    "width": FACTOR | {"description": "Factor on the base's channels"},
    "backbone": _part("layer") | {"description": "Layers, one a line, or {of: VARIANT}"},
    "neck": _part("layer") | {"description": "Layers, one a line, or {of: VARIANT}"},
    "head": _part("head") | {"description": "One line, a head, or {of: VARIANT}"},
    "activation": _or_placeholder({"enum": list(ACTIVATIONS)})
    | {"description": "In all blocks that leave it open"},
    "norm": {
        "anyOf": [
            _or_placeholder({"enum": list(NORMS)}),
            _closed(NORM_KEYS, {"kind": {"enum": list(NORMS)}, "groups": _whole(1, MAX_GROUPS)})
            | {"required": ["kind"]},
        ],
        "description": "In all blocks that leave it open",
    },
    "anchors": _or_placeholder(
        {"type": "array", "items": {"type": "array", "items": _ANCHOR, "minItems": 2}}
    )
    | {
        "description": "In the place of the head's: widths and heights in pixels, one flat list a level"
    },
    "loss": _ref("loss") | {"description": "What the network is trained towards"},
    "assigner": _named(ASSIGNERS, "assigner")
    | {"description": "Which predictions answer for which object"},
    "nms": _named(SUPPRESSIONS, "nms")
    | {"description": "The variant's own suppression of double detections"},
    "edits": {
        "type": "array",
        "items": _ref("edit"),
        "description": "Changes, carried out in order",
    },
    "schedules": {
        "type": "array",
        "items": _ref("schedule"),
        "description": "Attributes that change while training",
    },
    "freeze": _several(
        {"anyOf": [{"enum": list(PARTS)}, {"type": "string", "pattern": f"^{FROZEN_STAGE}$"}]}
    )
    | {
        "description": "Parts that are not trained, or their layers of one output stride: backbone 8"
    },
    "weights": WORD
    | {"description": "The file that training starts from, relative to this one; or scratch"},
    "blocks": _several(WORD)
    | {"description": "Your own Python files with blocks, relative to this one"},
    "recipe": WORD
    | {"description": "Only runs with this recipe can say how accurate the variant is"},
    "control": {"enum": list(CONTROLS), "description": "Shipped to be found broken"},
    "expect": {
        "anyOf": [_ref("expect"), {"type": "object", "additionalProperties": _ref("expect")}],
        "description": "Checked when the network is built; check --build prints it. Of a design: by variants' names",
    },
    "name": WORD | {"description": "What follows the base in the names of a design's variants"},
    "design": {"enum": list(DESIGNS), "description": "How the steps combine"},
    "steps": {
        "type": "array",
        "items": _ref("step"),
        "description": "Partial variants, each with a name",
    },
    "axes": {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z][a-z0-9]*$"},
        "additionalProperties": {"type": ["array", "object"]},
        "description": "Values for $placeholders: a list, or a mapping of labels to values",
    },
    "on": WORD | {"description": "The step that this side branch of a ladder builds on"},
}
_LOSS: Schema = {
    "box": _or_placeholder({"enum": list(get_args(BoxKind))}),
    "objectness": _or_placeholder({"enum": list(get_args(ScoreKind))}),
    "class": _or_placeholder({"enum": list(get_args(ScoreKind))}),
    "gamma": _between(0, 10) | {"description": "Of focal and varifocal"},
    "alpha": _between(0, 1) | {"description": "Of focal and varifocal"},
    "constant": _between(0, MAX_ANCHOR, above=True) | {"description": "Of nwd, in pixels"},
}
_ASSIGNER: Schema = {
    "name": _or_placeholder({"enum": list(ASSIGNERS)}),
    "radius": _between(0, MAX_ANCHOR, above=True) | {"description": "Of simota, in strides"},
    "candidates": _whole(1, 1000)
    | {"description": "Of simota: at most so many decide how many answer"},
}
_NMS: Schema = {
    "kind": _or_placeholder({"enum": list(SUPPRESSIONS)}),
    "iou": _between(0, 1) | {"description": "Not of soft"},
    "agnostic": _SCALARS["bool"],
    "sigma": _between(0, 100, above=True) | {"description": "Of soft"},
}
_LAYER: Schema = {
    "out": _whole(1, MAX_OUT) | {"description": "Channels out"},
    "repeat": _whole(1, MAX_REPEAT),
    "stride": _whole(1, MAX_STRIDE),
    "tag": WORD | {"description": "A name for the output"},
    "tags": {"type": "object", "additionalProperties": _whole(0, MAX_OUTPUTS)},
    "inputs": _several(WORD) | {"description": "Tags, or last for the line above"},
}
_NOT_IN_CHANGES: Schema = dict.fromkeys(
    (key for key in LAYER_KEYS if key not in CHANGE_KEYS), False
)
_SELECTOR: Schema = {
    **{key: _several(WORD) for key in SELECTOR_WORDS},
    **{key: _several(_whole(1, MAX_SELECTED)) for key in SELECTOR_NUMBERS},
    "part": _several({"enum": list(PARTS)}),
    "block": _several({"anyOf": [_ref("address"), WORD]}),
    "count": _whole(1, MAX_SELECTED) | {"description": "The number of matches, pinned"},
}
_EDIT: Schema = {
    **dict.fromkeys(
        ("replace", "remove", "set", "before", "after"), _or_placeholder(_ref("selector"))
    ),
    "insert": _several(_ref("inserted")),
    "with": _or_placeholder(_ref("with")),
    "to": _or_placeholder(_ref("to")),
    "keep_tag": _SCALARS["bool"],
}
_SCHEDULE: Schema = {
    "block": _ref("address"),
    "set": WORD,
    "from": NUMBER,
    "to": NUMBER,
    "over": {**_NUMBER, "exclusiveMinimum": 0, "maximum": 1, "description": "Share of the run"},
    "across": {
        "enum": list(ACROSS),
        "description": "Only the last block goes to `to`, those before it to less",
    },
}
_EXPECT: Schema = {
    "strides": _several(_whole(1, MAX_SELECTED)),
    "params": _whole(1, 10**12),
    "gmacs": {**_NUMBER, "minimum": 0, "maximum": 10**9},
}


def _if_design() -> Schema:
    """A file of several variants: with steps it has no changes of its own, and it promises by its variants' names."""
    return {
        "if": {"anyOf": [{"required": ["steps"]}, {"required": ["axes"]}]},
        "then": {
            "if": {"required": ["steps"]},
            "then": {
                "properties": dict.fromkeys(
                    (key for key in FILE_KEYS if key not in FAMILY_KEYS), False
                )
            },
            "else": {"required": ["name"], "properties": {"design": False}},
        },
        "else": {"properties": {"name": False, "design": False}},
    }


def _edit(verb: str, companions: tuple[str, ...]) -> Schema:
    edit = _closed((verb, *companions), _EDIT) | {"required": [verb]}
    if verb == "insert":
        return edit | {"oneOf": [{"required": ["before"]}, {"required": ["after"]}]}
    return edit | {"required": [verb, *companions]}


def _addresses(blocks: Iterable[BlockSignature]) -> Schema:
    return {"anyOf": [{"enum": [block.address for block in blocks]}, _ref("own")]}


def _own_address(blocks: Iterable[BlockSignature]) -> Schema:
    """A block of a user's own file, whose name is none of the suite's: its options are not known here."""
    stems = "|".join(sorted({block.address.partition(".")[0] for block in blocks}))
    return {"type": "string", "pattern": f"^(?!(?:{stems})\\.)[A-Za-z]\\w*\\.[A-Za-z]\\w*$"}


def _line(blocks: list[BlockSignature], *, out: bool) -> Schema:
    """A line that names one of the blocks and has that block's keys; `out` is demanded of complete lines."""
    return {
        "type": "object",
        "required": ["block"],
        "properties": {"block": _addresses(blocks)},
        "allOf": [_if_block(block, out=out) for block in blocks],
    }


def _if_block(block: BlockSignature, *, out: bool) -> Schema:
    needed: list[Json] = [*missing(block, set()), *(["out"] if out and block.takes_out else [])]
    then = _ref(block.address) | (
        {"required": needed} if needed and (out or block.kind == "operator") else {}
    )
    condition: Json = {"properties": {"block": {"const": block.address}}, "required": ["block"]}
    return {"if": condition, "then": then}


def _block(block: BlockSignature) -> Schema:
    """All keys that a line with this block may have: the language's where the block takes them, then its options."""
    refused = {key for key in ("out", "stride") if not getattr(block, f"takes_{key}")}
    keys = [] if block.kind == "operator" else [key for key in LAYER_KEYS[1:] if key not in refused]
    options: Schema = {name: _option(block, name) for name in block.options}
    fragments: Schema = {"block": {"const": block.address}, **_LAYER, **options}
    return _closed(("block", *keys, *options), fragments)


def _option(block: BlockSignature, name: str) -> Schema:
    found = annotation_schema(block.types[name])
    if name in POSITIVE:
        found |= {"exclusiveMinimum": 0}
    default = block.options[name]
    return found if isinstance(default, Default) else found | {"default": default}


def _annotated(annotation: ast.expr) -> Schema:
    if isinstance(annotation, ast.BinOp):
        return {"anyOf": [_annotated(annotation.left), _annotated(annotation.right)]}
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return {"type": "null"}
    if isinstance(annotation, ast.Name):
        return dict(_SCALARS.get(annotation.id, {}))
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        return _generic(annotation.value.id, annotation.slice)
    return {}


def _generic(name: str, inner: ast.expr) -> Schema:
    members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        return _or_placeholder({"enum": [ast.literal_eval(member) for member in members]})
    if name in MAPPINGS:
        return {"type": "object"}
    if name not in SEQUENCES:
        return {}
    if name == "tuple" and not (isinstance(members[-1], ast.Constant) and members[-1].value is ...):
        size = len(members)
        fixed: Schema = {
            "prefixItems": list(map(_annotated, members)),
            "minItems": size,
            "maxItems": size,
        }
        return {"type": ["array", "string"], "pattern": PLACEHOLDER, **fixed}
    return {"type": ["array", "string"], "pattern": PLACEHOLDER, "items": _annotated(members[0])}

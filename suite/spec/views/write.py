"""A resolved variant as the text of a spec file without a base: decoding it gives the same network again."""

import re
from collections.abc import Iterator, Mapping

from suite.record import Json, canonical_json
from suite.spec.language.keys import CONDITIONS
from suite.spec.records.objective import Objective, stated
from suite.spec.records.variant import (
    PARTS,
    ConvEdit,
    Expect,
    Layer,
    Norm,
    Schedule,
    Selector,
    Variant,
)
from suite.yaml.document import is_word
from suite.yaml.mark import Mark

COMMENT_COLUMN = 88
_Line = tuple[str, str]  # the text and the comment behind it
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./*-]*")
_PLAIN_TEXT = re.compile(r"[A-Za-z_](?:[^:#\"'\\\[\]{},&*!|>%@`]|:(?! |$))*(?<! )")


def write(variant: Variant, origins: Mapping[str, str] | None = None) -> str:
    """The YAML text of a resolved variant, one layer a line.

    Args:
        variant: what `Library.load` gives.
        origins: the file of each top-level key (`Library.origins`); with these every line says in a comment which file
            it comes from.

    Returns:
        The text of a file without a base: decoding it gives the same architecture again.
    """
    files = origins or {}
    where = _where if origins is not None else _nowhere
    lines: list[_Line] = []
    for key, text in _head(variant):
        lines.append((f"{key}: {text}", files.get(key, "")))
    for part in PARTS:
        layers = variant.part(part)
        lines.append((f"{part}:" if layers else f"{part}: []", files.get(part, "")))
        lines += [(f"  - {layer_text(layer)}", where(layer.mark)) for layer in layers]
    for key, text in _objectives(variant):
        lines.append((f"{key}: {text}", files.get(key, "")))
    if variant.conv_edits:
        lines.append(("edits:", ""))
    for edit in variant.conv_edits:
        lines += [(text, where(edit.mark)) for text in _edit(edit)]
    if variant.schedules:
        lines.append(("schedules:", files.get("schedules", "")))
        lines += [(f"  - {flow(_schedule(schedule))}", "") for schedule in variant.schedules]
    for key, text in _training(variant):
        lines.append((f"{key}: {text}", files.get(key, "")))
    return "\n".join(_commented(text, comment) for text, comment in lines) + "\n"


def _head(variant: Variant) -> Iterator[tuple[str, str]]:
    """The keys above the parts."""
    yield "title", prose(variant.title)
    if variant.paper:
        yield "paper", prose(variant.paper)


def _objectives(variant: Variant) -> Iterator[tuple[str, str]]:
    """The keys of the whole model that are not YOLOv5's own."""
    if variant.activation:
        yield "activation", variant.activation
    norm = variant.norm
    if norm.groups:
        yield "norm", flow({"kind": norm.kind, "groups": norm.groups})
    elif norm != Norm():
        yield "norm", norm.kind
    objectives: dict[str, Objective] = {
        "loss": variant.loss,
        "assigner": variant.assigner,
        "nms": variant.nms,
    }
    for key, objective in objectives.items():
        different = stated(objective)
        if different:
            yield key, flow(different)


def _training(variant: Variant) -> Iterator[tuple[str, str]]:
    """The keys about training, and what is promised."""
    values: dict[str, Json] = {
        "freeze": list(variant.freeze),
        "weights": variant.weights,
        "blocks": [file.path for file in variant.blocks],
        "recipe": variant.recipe,
        "control": variant.control,
        "expect": _expect(variant.expect),
    }
    for key, value in values.items():
        if value:
            yield key, flow(value)


def expect_line(expect: Expect) -> str:
    """The `expect` line of a file, to be pasted."""
    return f"expect: {flow(_expect(expect))}"


def _commented(text: str, comment: str) -> str:
    return f"{text:<{COMMENT_COLUMN}}  # {comment}" if comment else text


def _where(mark: Mark | None) -> str:
    return f"{mark.file}:{mark.line}" if mark else ""


def _nowhere(_mark: Mark | None) -> str:
    return ""


def layer_text(layer: Layer) -> str:
    """A line of a part, without its dash. Keys in the house order; what a file need not say is left out."""
    keys: dict[str, Json] = {"block": layer.block}
    if layer.out is not None:
        keys["out"] = layer.out
    if layer.repeat != 1:
        keys["repeat"] = layer.repeat
    if layer.stride is not None:
        keys["stride"] = layer.stride
    if list(layer.tags.values()) == [0]:
        keys["tag"] = next(iter(layer.tags))
    elif layer.tags:
        keys["tags"] = dict(layer.tags)
    if layer.inputs != ("last",):
        keys["inputs"] = list(layer.inputs)
    keys |= dict(layer.options)
    if layer.row:
        keys["row"] = layer.row[0] if len(layer.row) == 1 else list(layer.row)
    return flow(keys)


def _edit(edit: ConvEdit) -> list[str]:
    change: dict[str, Json] = {"block": edit.operator, **edit.options}
    return [f"  - replace: {flow(_selector(edit.select))}", f"    with: {flow(change)}"]


def _selector(select: Selector) -> dict[str, Json]:
    conditions: dict[str, Json] = {}
    for key in CONDITIONS:
        values = getattr(select, key)
        if values:
            conditions[key] = list(values)
    if select.count is not None:
        conditions["count"] = select.count
    return conditions


def _schedule(schedule: Schedule) -> dict[str, Json]:
    keys: dict[str, Json] = {
        "block": schedule.block,
        "set": schedule.attribute,
        "from": schedule.start,
        "to": schedule.end,
    }
    if schedule.over:
        keys["over"] = schedule.over
    if schedule.across:
        keys["across"] = schedule.across
    return keys


def _expect(expect: Expect) -> dict[str, Json]:
    promises: dict[str, Json] = {}
    if expect.strides is not None:
        promises["strides"] = list(expect.strides)
    if expect.params is not None:
        promises["params"] = expect.params
    if expect.gmacs is not None:
        promises["gmacs"] = expect.gmacs
    return promises


def flow(value: Json) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and is_word(value):
        return value
    return canonical_json(value)


def prose(value: str) -> str:
    """A line of words as the value of a key, quoted where YAML would read something else."""
    return value if _PLAIN_TEXT.fullmatch(value) and is_word(value) else canonical_json(value)

"""A resolved variant as the text of a spec file without a base: decoding it gives the same network again."""

import re
from collections.abc import Mapping

from suite.record import Json, canonical_json
from suite.spec.records.objective import stated
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
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./*-]*")
_PLAIN_TEXT = re.compile(r"[A-Za-z_](?:[^:#\"'\\\[\]{},&*!|>%@`]|:(?! |$))*(?<! )")


def write(variant: Variant, origins: Mapping[str, str] | None = None) -> str:
    """YAML text, one layer a line; with `origins` every line says in a comment which file it comes from."""
    lines: list[tuple[str, str]] = []
    where = origins or {}

    def add(key: str, text: str) -> None:
        lines.append((f"{key}: {text}".rstrip(), where.get(key, "")))

    add("title", prose(variant.title))
    if variant.paper:
        add("paper", prose(variant.paper))
    for part in PARTS:
        add(part, "" if variant.part(part) else "[]")
        lines += [
            (f"  - {layer_text(layer)}", _place(layer.mark, origins))
            for layer in variant.part(part)
        ]
    if variant.activation:
        add("activation", variant.activation)
    if variant.norm != Norm():
        add(
            "norm",
            flow({"kind": variant.norm.kind, "groups": variant.norm.groups})
            if variant.norm.groups
            else variant.norm.kind,
        )
    for key, objective in (
        ("loss", variant.loss),
        ("assigner", variant.assigner),
        ("nms", variant.nms),
    ):
        if found := stated(objective):
            add(key, flow(found))
    if variant.conv_edits:
        lines.append(("edits:", ""))
    for edit in variant.conv_edits:
        lines += [(text, _place(edit.mark, origins)) for text in _edit(edit)]
    if variant.schedules:
        add("schedules", "")
        lines += [(f"  - {flow(_schedule(schedule))}", "") for schedule in variant.schedules]
    for key, value in _words(variant).items():
        if value:
            add(key, flow(value))
    if expected := _expect(variant.expect):
        add("expect", flow(expected))
    return "\n".join(_commented(text, comment) for text, comment in lines) + "\n"


def _words(variant: Variant) -> dict[str, Json]:
    return {
        "freeze": list(variant.freeze),
        "weights": variant.weights,
        "blocks": [file.path for file in variant.blocks],
        "recipe": variant.recipe,
        "control": variant.control,
    }


def expect_line(expect: Expect) -> str:
    """The `expect` line of a file, to be pasted."""
    return f"expect: {flow(_expect(expect))}"


def _commented(text: str, comment: str) -> str:
    return f"{text:<{COMMENT_COLUMN}}  # {comment}" if comment else text


def _place(mark: Mark | None, origins: Mapping[str, str] | None) -> str:
    return f"{mark.file}:{mark.line}" if mark and origins is not None else ""


def layer_text(layer: Layer) -> str:
    """A line of a part, without its dash. Keys in the house order; what a file need not say is left out."""
    found: dict[str, Json] = {"block": layer.block}
    if layer.out is not None:
        found["out"] = layer.out
    if layer.repeat != 1:
        found["repeat"] = layer.repeat
    if layer.stride is not None:
        found["stride"] = layer.stride
    if list(layer.tags.values()) == [0]:
        found["tag"] = next(iter(layer.tags))
    elif layer.tags:
        found["tags"] = dict(layer.tags)
    if layer.inputs != ("last",):
        found["inputs"] = list(layer.inputs)
    return flow(found | dict(layer.options))


def _edit(edit: ConvEdit) -> list[str]:
    change: dict[str, Json] = {"block": edit.operator, **edit.options}
    return [f"  - replace: {flow(_selector(edit.select))}", f"    with: {flow(change)}"]


def _selector(select: Selector) -> dict[str, Json]:
    lists: dict[str, tuple[str, ...] | tuple[int, ...]] = {
        "part": select.part,
        "tag": select.tag,
        "stage": select.stage,
        "block": select.block,
        "kernel": select.kernel,
        "stride": select.stride,
        "groups": select.groups,
        "path": select.path,
    }
    found: dict[str, Json] = {key: list(values) for key, values in lists.items() if values}
    return found | ({"count": select.count} if select.count is not None else {})


def _schedule(schedule: Schedule) -> dict[str, Json]:
    found: dict[str, Json] = {
        "block": schedule.block,
        "set": schedule.attribute,
        "from": schedule.start,
        "to": schedule.end,
    }
    if schedule.over:
        found["over"] = schedule.over
    return found | ({"across": schedule.across} if schedule.across else {})


def _expect(expect: Expect) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if expect.strides is not None:
        found["strides"] = list(expect.strides)
    if expect.params is not None:
        found["params"] = expect.params
    if expect.gmacs is not None:
        found["gmacs"] = expect.gmacs
    return found


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

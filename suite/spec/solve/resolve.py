"""A decoded file on its resolved base: parts replaced, base scaled, edits applied, tags checked; all is final."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from suite.record import Json
from suite.spec.blocks.options import missing
from suite.spec.blocks.signatures import Signatures
from suite.spec.records.source import Reference, SpecFile
from suite.spec.records.variant import PARTS, ConvEdit, Layer, Part, Schedule, Variant
from suite.spec.records.vocabulary import ANCHORS, MAX_OUT, MAX_REPEAT
from suite.spec.solve.checks import LayerChecks
from suite.spec.solve.edits import Editor
from suite.spec.solve.roles import with_roles
from suite.spec.userblocks import Scope, merge_blocks
from suite.yaml.errors import Problems, suggest

DEFAULT_ACTIVATION = "silu"
DIVISOR = 8
MATCHED_DIVISOR = 2
# keys that a file replaces whole, and whose values the base's are where the file does not
INHERITED = (
    "freeze",
    "recipe",
    "control",
    "activation",
    "norm",
    "loss",
    "assigner",
    "nms",
    "weights",
)
_NO_BASE = Variant(name="", title="", layers=())

Lookup = Callable[[Reference], "Variant | None"]


def resolve(
    spec: SpecFile, lookup: Lookup, signatures: Signatures, problems: Problems
) -> Variant | None:
    """The final variant of a decoded file.

    `baseline` is the base, or "" where the file is another size of it: it only scales, and is not called
    `<base>_<change>` as a modification is. A file with `match` is resolved at the width that stands in `spec`, which
    is for others to find.

    Args:
        spec: the file, whose references are still names.
        lookup: gives the resolved variant of a name, and reports what it cannot find.
        signatures: the suite's blocks; those of the file and of what it builds on are added here.
        problems: what is wrong is added to these; where there are any, the variant must not be used.

    Returns:
        The variant, every number of which is final; None if its base or the owner of a borrowed part cannot be had.
    """
    find = _finals(lookup, problems)
    base = find(spec.base) if spec.base else _NO_BASE
    if base is None:
        return None
    if spec.match and not find(Reference(spec.match.to, spec.match.mark or spec.mark)):
        return None
    owners = _owners(spec, find)
    if owners is None:
        return None
    inherited_blocks = (file for each in (base, *owners.values()) for file in each.blocks)
    blocks = merge_blocks(spec.blocks, inherited_blocks, problems)
    scope = Scope(signatures, blocks) if blocks else signatures
    resolver = _Resolver(spec, base, owners, scope, problems)
    layers, conv_edits = resolver.edited()
    checks = LayerChecks(spec, scope, problems)
    checks.check(layers)
    stated = inherited(spec, base)
    if layers and layers[-1].part == "head":
        layers = resolver.with_anchors(layers)
        checks.check_head(layers[-1], stated["assigner"])
        checks.check_anchors(layers[-1])
    return Variant(
        name=spec.name,
        title=spec.title or spec.name,
        layers=layers,
        base=base.name,
        baseline=_baseline(spec, base),
        paper=spec.paper,
        conv_edits=tuple(conv_edits),
        schedules=resolver.schedules(layers, conv_edits),
        blocks=blocks,
        match=spec.match,
        expect=spec.expect,
        mark=spec.mark,
        **stated,
    )


def inherited(spec: SpecFile, base: Variant) -> dict[str, Any]:
    """What the file states of the whole model, and the base's where it states nothing."""
    stated = {key: getattr(spec, key) for key in INHERITED}
    values = {key: getattr(base, key) if value is None else value for key, value in stated.items()}
    if values["activation"] == DEFAULT_ACTIVATION:
        values["activation"] = ""  # YOLOv5's, written out, is the same network as none
    return values


def _finals(lookup: Lookup, problems: Problems) -> Lookup:
    """A lookup that refuses variants whose numbers are not final."""

    def find(reference: Reference) -> Variant | None:
        variant = lookup(reference)
        if variant is None or variant.match is None:
            return variant
        message = (
            f"{reference.name} is matched to a cost when it is built, "
            "and until then has no final numbers"
        )
        hint = f"name another, such as {variant.base} or {variant.match.to}"
        problems.add(reference.mark, "E213", message, hint)
        return None

    return find


def _owners(spec: SpecFile, find: Lookup) -> dict[Part, Variant] | None:
    """The variants whose parts the file borrows; None if one of them cannot be had."""
    owners: dict[Part, Variant] = {}
    complete = True
    for part, layers in spec.parts.items():
        if isinstance(layers, Reference):
            owner = find(layers)
            if owner is None:
                complete = False
            else:
                owners[part] = owner
    return owners if complete else None


def _baseline(spec: SpecFile, base: Variant) -> str:
    """The base of a modification; of what is scaled to the cost of another variant, that one."""
    if spec.match:
        return spec.match.to
    # `yolov5p[width=0.5]` is a modification too
    is_size = spec.only_scales and not spec.name.startswith((f"{base.name}_", f"{base.name}["))
    return "" if is_size else base.name


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Carries one file out on its base, which is an empty variant for a file without one."""

    spec: SpecFile
    base: Variant
    owners: Mapping[Part, Variant]  # of the parts that are borrowed
    signatures: Signatures
    problems: Problems

    def edited(self) -> tuple[tuple[Layer, ...], list[ConvEdit]]:
        """All layers after the file's edits, and the edits of convolutions, which wait for the network."""
        layers = tuple(layer for part in PARTS for layer in self._part(part))
        conv_edits = self._inherited_conv_edits()
        editor = Editor(self.signatures, self.problems)
        for edit in self.spec.edits:
            conv_edit = editor.conv_edit(edit)
            if conv_edit:
                conv_edits.append(conv_edit)
            else:
                layers = editor.apply(edit, layers)
            if any(problem.code == "E005" for problem in self.problems.found):
                break  # the next edit would only ask for too much again
        return layers, conv_edits

    def _part(self, part: Part) -> tuple[Layer, ...]:
        """A part of the file as it is, a borrowed one as its owner has it, the base's scaled."""
        written = self.spec.parts.get(part)
        if isinstance(written, Reference):
            return self.owners[part].part(part)
        if written is not None:
            return with_roles(tuple(map(self._anchored, written)) if part == "head" else written)
        layers = self.base.part(part)
        if self.spec.width == self.spec.depth == 1:
            return layers
        return tuple(self._scaled(layer) for layer in layers)

    def _anchored(self, head: Layer) -> Layer:
        """A head's line that leaves its anchors out, with those of the file or of the base's head."""
        if ANCHORS not in missing(self.signatures.get(head.block), set(head.options)):
            return head
        if self.spec.anchors:  # they are written into it when all edits are done
            levels: Json = [list(level) for level in self.spec.anchors.levels]
            return replace(head, options={**head.options, ANCHORS: levels})
        [*_, old] = self.base.part("head") or (head,)
        anchors = old.options.get(ANCHORS)
        if anchors is None:
            message = f"{head.block} needs the option {ANCHORS!r}, and the base's head has none"
            self.problems.add(head.mark, "E103", message)
            return head
        if len(old.inputs) != len(head.inputs):
            message = (
                f"the base has anchors for {len(old.inputs)} maps, "
                f"and this head reads {len(head.inputs)}"
            )
            hint = f"write `{ANCHORS}`, one list a map"
            self.problems.add(head.mark, "E103", message, hint)
        return replace(head, options={**head.options, ANCHORS: anchors})

    def _scaled(self, layer: Layer) -> Layer:
        out, repeat = layer.out, layer.repeat
        if out is not None:
            out = self._widened(out) if self.spec.width != 1 else out
            self._limit("width", out, MAX_OUT, "channels")
        if repeat > 1:
            repeat = max(round(_exact(self.spec.depth) * repeat), 1)
            self._limit("depth", repeat, MAX_REPEAT, "repeats")
        return replace(layer, out=out, repeat=repeat)

    def _widened(self, out: int) -> int:
        """Up to a multiple of 8; to meet a cost, to the nearest of 2, so that layers change one at a time."""
        wide = _exact(self.spec.width) * out
        if self.spec.match:
            return max(round(wide / MATCHED_DIVISOR), 1) * MATCHED_DIVISOR
        return math.ceil(wide / DIVISOR) * DIVISOR

    def _limit(self, key: str, value: int, limit: int, unit: str) -> None:
        if value > limit:
            message = (
                f"`{key}` {getattr(self.spec, key):g} makes a layer of {value} {unit}; "
                f"at most {limit} are allowed"
            )
            if all(problem.message != message for problem in self.problems.found):
                self.problems.add(self.spec.keys.get(key, self.spec.mark), "E104", message)

    def _inherited_conv_edits(self) -> list[ConvEdit]:
        """The base's, less what they said of parts that this file replaces; then those of borrowed parts.

        `count` pinned the number where it was written; where parts or repeats differ, it says nothing any more.
        """
        kept = tuple(part for part in PARTS if part not in self.spec.parts)
        narrowed = [_narrowed(edit, kept) for edit in self.base.conv_edits]
        for part, owner in self.owners.items():
            narrowed += [_narrowed(edit, (part,)) for edit in owner.conv_edits]
        edits = [edit for edit in narrowed if edit is not None]
        if self.spec.depth != 1 or self.spec.edits:
            edits = [replace(edit, select=replace(edit.select, count=None)) for edit in edits]
        return edits

    def schedules(
        self, layers: tuple[Layer, ...], conv_edits: list[ConvEdit]
    ) -> tuple[Schedule, ...]:
        """The file's schedules, which must concern a block of the network; else inherited ones that do."""
        used = {layer.block for layer in layers} | {edit.operator for edit in conv_edits}
        if self.spec.schedules is None:
            ancestors = (self.base, *self.owners.values())
            every = (schedule for ancestor in ancestors for schedule in ancestor.schedules)
            return tuple(each for each in dict.fromkeys(every) if each.block in used)
        for schedule, mark in self.spec.schedules:
            if schedule.block not in used:
                message = f"the variant has no {schedule.block}, which the schedule names"
                self.problems.add(mark, "E207", message, suggest(schedule.block, used))
        return tuple(schedule for schedule, _ in self.spec.schedules)

    def with_anchors(self, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """The layers with this file's anchors in the head's line, which must have as many inputs."""
        anchors = self.spec.anchors
        if anchors is None:
            return layers
        *body, head = layers
        levels = len(anchors.levels)
        if "anchors" not in self.signatures.get(head.block).options:
            self.problems.add(anchors.mark, "E202", f"{head.block} has no anchors")
        elif levels != len(head.inputs):
            message = f"`anchors` has {levels} lists, but the head reads {len(head.inputs)} maps"
            self.problems.add(anchors.mark, "E105", message, "one list a map")
        sides: list[Json] = [list(level) for level in anchors.levels]
        return (*body, replace(head, options={**head.options, "anchors": sides}))


@cache
def _exact(factor: float) -> Fraction:
    """The factor as it is written: 0.1 x 80 is 8, not a hair above it."""
    return Fraction(str(factor))


def _narrowed(edit: ConvEdit, kept: tuple[Part, ...]) -> ConvEdit | None:
    """The edit for some parts only, None if it concerned none of them."""
    concerned = edit.select.part or PARTS
    parts = tuple(part for part in concerned if part in kept)
    if len(parts) == len(concerned):
        return edit
    return replace(edit, select=replace(edit.select, part=parts, count=None)) if parts else None

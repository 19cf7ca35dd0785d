"""A decoded file on its resolved base: parts replaced, base scaled, edits applied, tags checked; numbers are final."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from suite.record import Json
from suite.spec.blocks.signatures import Signatures
from suite.spec.records.objective import Assigner, Loss, Suppression
from suite.spec.records.source import Reference, SpecFile
from suite.spec.records.variant import PARTS, ConvEdit, Layer, Norm, Part, Schedule, Variant
from suite.spec.records.vocabulary import MAX_LAYERS, MAX_OUT, MAX_REPEAT, MAX_REPEATS
from suite.spec.solve.edits import Editor
from suite.spec.solve.roles import with_roles
from suite.spec.userblocks import Scope, merge_blocks
from suite.yaml.errors import Problems, suggest
from suite.yaml.mark import Mark

DEFAULT_ACTIVATION = "silu"
DIVISOR = 8
MATCHED_DIVISOR = 2

Lookup = Callable[[Reference], "Variant | None"]


def resolve(
    spec: SpecFile, lookup: Lookup, signatures: Signatures, problems: Problems
) -> Variant | None:
    """The final variant; None if its base or the owner of a borrowed part cannot be had.

    `lookup` gives the resolved variant of a name and reports what it cannot find. `baseline` is the base, or "" where
    the file is another size of it: it only scales, and is not called `<base>_<change>` as a modification is. A file
    with `match` is resolved at the width that stands in `spec`, which is for others to find.
    """
    find = _finals(lookup, problems)
    base = find(spec.base) if spec.base else None
    if spec.base and base is None:
        return None
    if spec.match and not find(Reference(spec.match.to, spec.match.mark or spec.mark)):
        return None
    owners = {part: find(own) for part, own in spec.parts.items() if isinstance(own, Reference)}
    if None in owners.values():
        return None
    ancestors = (*((base,) if base else ()), *(owner for owner in owners.values() if owner))
    blocks = merge_blocks(
        spec.blocks, (file for ancestor in ancestors for file in ancestor.blocks), problems
    )
    signatures = Scope(signatures, blocks) if blocks else signatures
    resolver = _Resolver(
        spec, base, {part: owner for part, owner in owners.items() if owner}, signatures, problems
    )
    layers = tuple(layer for part in PARTS for layer in resolver.part(part))
    conv_edits = resolver.inherited_conv_edits()
    editor = Editor(signatures, problems)
    for edit in spec.edits:
        conv_edit = editor.conv_edit(edit)
        if conv_edit:
            conv_edits.append(conv_edit)
        else:
            layers = editor.apply(edit, layers)
        if any(problem.code == "E005" for problem in problems.found):
            break  # the next edit would only ask for too much again
    resolver.check_layers(layers)
    assigner = spec.assigner or (base.assigner if base else Assigner())
    if layers and layers[-1].part == "head":
        layers = resolver.with_anchors(layers)
        resolver.check_head(layers[-1], assigner)
    return Variant(
        name=spec.name,
        title=spec.title or spec.name,
        layers=layers,
        base=base.name if base else "",
        baseline=_baseline(spec, base),
        paper=spec.paper,
        conv_edits=tuple(conv_edits),
        schedules=resolver.schedules(layers, conv_edits),
        freeze=spec.freeze if spec.freeze is not None else (base.freeze if base else ()),
        recipe=spec.recipe if spec.recipe is not None else (base.recipe if base else ""),
        control=spec.control if spec.control is not None else (base.control if base else ""),
        activation=_activation(spec, base),
        norm=spec.norm if spec.norm is not None else (base.norm if base else Norm()),
        loss=spec.loss or (base.loss if base else Loss()),
        assigner=assigner,
        nms=spec.nms or (base.nms if base else Suppression()),
        weights=spec.weights if spec.weights is not None else (base.weights if base else ""),
        blocks=blocks,
        match=spec.match,
        expect=spec.expect,
        mark=spec.mark,
    )


def _finals(lookup: Lookup, problems: Problems) -> Lookup:
    """A lookup that refuses variants whose numbers are not final."""

    def find(reference: Reference) -> Variant | None:
        found = lookup(reference)
        if found is None or found.match is None:
            return found
        message = f"{reference.name} is matched to a cost when it is built, and until then has no final numbers"
        problems.add(
            reference.mark,
            "E213",
            message,
            f"name another, such as {found.base} or {found.match.to}",
        )
        return None

    return find


def _activation(spec: SpecFile, base: Variant | None) -> str:
    """The own one or the base's; YOLOv5's written out is the same network as none."""
    named = spec.activation if spec.activation is not None else (base.activation if base else "")
    return "" if named == DEFAULT_ACTIVATION else named


def _baseline(spec: SpecFile, base: Variant | None) -> str:
    """The base of a modification; of what is scaled to the cost of another variant, that one."""
    if spec.match:
        return spec.match.to
    modifies = base and (not spec.only_scales or spec.name.startswith(f"{base.name}_"))
    return base.name if base and modifies else ""


@dataclass(frozen=True, slots=True)
class _Resolver:
    spec: SpecFile
    base: Variant | None
    owners: Mapping[Part, Variant]  # of the parts that are borrowed
    signatures: Signatures
    problems: Problems

    def part(self, part: Part) -> tuple[Layer, ...]:
        """An own part as it is, a borrowed one as its owner has it, the base's scaled."""
        own = self.spec.parts.get(part)
        if isinstance(own, Reference):
            return self.owners[part].part(part)
        if own is not None:
            return with_roles(own)
        inherited = self.base.part(part) if self.base else ()
        return (
            inherited
            if self.spec.width == self.spec.depth == 1
            else tuple(map(self._scaled, inherited))
        )

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
        """Up to a multiple of 8; to meet a cost, to the nearest multiple of 2, so that layers change one at a time."""
        wide = _exact(self.spec.width) * out
        if self.spec.match:
            return max(round(wide / MATCHED_DIVISOR), 1) * MATCHED_DIVISOR
        return math.ceil(wide / DIVISOR) * DIVISOR

    def _limit(self, key: str, value: int, limit: int, what: str) -> None:
        if value > limit:
            message = (
                f"`{key}` {getattr(self.spec, key):g} makes a layer of {value} {what}; "
                f"at most {limit} are allowed"
            )
            if all(problem.message != message for problem in self.problems.found):
                self.problems.add(self.spec.keys.get(key, self.spec.mark), "E104", message)

    def inherited_conv_edits(self) -> list[ConvEdit]:
        """The base's, less what they said of parts that this file replaces; then those of borrowed parts.

        `count` pinned the number where it was written; where parts or repeats differ, it says nothing any more.
        """
        kept = tuple(part for part in PARTS if part not in self.spec.parts)
        found = [_narrowed(edit, kept) for edit in (self.base.conv_edits if self.base else ())]
        for part, owner in self.owners.items():
            found += [_narrowed(edit, (part,)) for edit in owner.conv_edits]
        edits = [edit for edit in found if edit is not None]
        if self.spec.depth != 1 or self.spec.edits:
            edits = [replace(edit, select=replace(edit.select, count=None)) for edit in edits]
        return edits

    def schedules(
        self, layers: tuple[Layer, ...], conv_edits: list[ConvEdit]
    ) -> tuple[Schedule, ...]:
        """Own schedules must concern a block of the network; inherited ones that do not are dropped."""
        used = {layer.block for layer in layers} | {edit.operator for edit in conv_edits}
        if self.spec.schedules is None:
            ancestors = ((self.base,) if self.base else ()) + tuple(self.owners.values())
            inherited = dict.fromkeys(
                schedule for ancestor in ancestors for schedule in ancestor.schedules
            )
            return tuple(schedule for schedule in inherited if schedule.block in used)
        for schedule, mark in self.spec.schedules:
            if schedule.block not in used:
                message = f"the variant has no {schedule.block}, which the schedule names"
                self.problems.add(mark, "E207", message, suggest(schedule.block, used))
        return tuple(schedule for schedule, _ in self.spec.schedules)

    def check_layers(self, layers: tuple[Layer, ...]) -> None:
        """Every input is a tag of a line before, no tag is given twice, and the head is one line."""
        if len(layers) > MAX_LAYERS:
            self.problems.add(
                self.spec.mark, "E005", f"{len(layers)} layers; at most {MAX_LAYERS} are allowed"
            )
        if (repeats := sum(layer.repeat for layer in layers)) > MAX_REPEATS:
            message = f"{repeats} repeats of blocks in all; at most {MAX_REPEATS} are allowed"
            self.problems.add(self.spec.mark, "E005", message)
        seen: dict[str, Layer] = {}
        every = {tag for layer in layers for tag in layer.tags}
        for layer in layers:
            for tag in layer.inputs:
                if tag != "last" and tag not in seen:
                    self._no_tag(layer, tag, tag in every, seen)
            for tag in layer.tags:
                if tag in seen:
                    first = seen[tag].mark
                    self.problems.add(
                        layer.mark, "E206", f"the tag {tag!r} is given twice; first at {first}"
                    )
                seen[tag] = layer
        heads = [layer for layer in layers if layer.part == "head"]
        if len(heads) != 1 or self.signatures.get(heads[0].block).kind != "head":
            mark = self.spec.keys.get("head", self.spec.mark)
            self.problems.add(
                mark, "E205", f"`head` is one line, a head; it has {len(heads)} lines"
            )

    def with_anchors(self, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """The layers with this file's anchors in the head's line, which must have as many inputs."""
        own = self.spec.anchors
        if own is None:
            return layers
        *body, head = layers
        levels = len(own.levels)
        if "anchors" not in self.signatures.get(head.block).options:
            self.problems.add(own.mark, "E202", f"{head.block} has no anchors")
        elif levels != len(head.inputs):
            message = f"`anchors` has {levels} lists, but the head reads {len(head.inputs)} maps"
            self.problems.add(own.mark, "E105", message, "one list a map")
        written: list[Json] = [list(level) for level in own.levels]
        return (*body, replace(head, options={**head.options, "anchors": written}))

    def check_head(self, head: Layer, assigner: Assigner) -> None:
        """The head serves the assigner; what it serves is stated in its class."""
        served = self.signatures.get(head.block).assigners
        if assigner.name in served:
            return
        keys = self.spec.keys
        mark = keys.get("assigner") or keys.get("head") or self.spec.mark
        message = f"{head.block} does not serve the assigner {assigner.name}"
        self.problems.add(mark, "E105", message, f"`assigner` is one of: {', '.join(served)}")

    def _no_tag(self, layer: Layer, tag: str, later: bool, seen: dict[str, Layer]) -> None:
        earlier: dict[Part, Part] = {"neck": "backbone", "head": "neck"}
        if later:
            message = f"the {layer.part} reads the tag {tag!r} before the line that has it"
        elif layer.part in earlier:
            message = f"{earlier[layer.part]} has no tag {tag!r}, which the {layer.part} needs"
        else:
            message = f"no line before has the tag {tag!r}"
        source = earlier.get(layer.part)
        tags = [name for name, line in seen.items() if source is None or line.part == source]
        self.problems.add(self._blamed(layer, source), "E206", message, suggest(tag, tags))

    def _blamed(self, layer: Layer, source: Part | None) -> Mark | None:
        """Where the user can mend it: the line itself if it is in this file, else what this file replaced."""
        if layer.mark and layer.mark.file == self.spec.mark.file:
            return layer.mark
        keys = self.spec.keys
        return keys.get(source or "") or keys.get("neck") or keys.get("edits") or layer.mark


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

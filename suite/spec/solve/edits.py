"""Edits on resolved layers: replace, insert, remove, set.

Matches are collected before an edit acts, and an edit that matches nothing is an error. A replacement by an operator
concerns convolutions inside blocks, which only the builder sees: it becomes a `ConvEdit` and acts after all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from suite.record import Json
from suite.spec.blocks.options import misfit, missing
from suite.spec.blocks.signatures import BlockSignature, Signatures
from suite.spec.records.steps import Change, Edit
from suite.spec.records.variant import ConvEdit, Layer, Selector
from suite.spec.records.vocabulary import MAX_LAYERS
from suite.spec.solve.matching import explain, fits
from suite.spec.solve.roles import inserted_role
from suite.yaml.errors import Problems, suggest
from suite.yaml.mark import Mark


@dataclass(frozen=True, slots=True)
class Editor:
    """Applies edits to the layers of a network, in order; what goes wrong is added to `problems`."""

    signatures: Signatures
    problems: Problems

    def conv_edit(self, edit: Edit) -> ConvEdit | None:
        """The edit as one of convolutions inside blocks, None if it concerns layers."""
        change = edit.change
        if edit.verb != "replace" or self.signatures.get(change.block).kind != "operator":
            return None
        return ConvEdit(edit.select, change.block, dict(change.options), edit.mark)

    def apply(self, edit: Edit, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        """The layers after one edit; unchanged if it cannot be done."""
        chosen = matches(layers, edit.select, self.signatures)
        if not self._matches_as_said(edit, layers, chosen):
            return layers
        if edit.verb == "insert":
            total = len(layers) + len(chosen) * len(edit.layers)
            if total <= MAX_LAYERS:
                return self._insert(edit, layers, chosen)
            hint = f"at most {MAX_LAYERS} are allowed"
            self.problems.add(edit.mark, "E005", f"`insert` makes {total} layers", hint)
            return layers
        if edit.verb == "remove":
            return self._remove(edit, layers, chosen)
        change = self._replaced if edit.verb == "replace" else self._set
        self._check_moved(edit.change, [layers[i] for i in chosen])
        return tuple(
            change(layer, edit.change) if i in chosen else layer for i, layer in enumerate(layers)
        )

    def _check_moved(self, change: Change, chosen: Sequence[Layer]) -> None:
        """Report tags that are to be read no more by layers of which none reads them."""
        moved = change.inputs if isinstance(change.inputs, Mapping) else {}
        there = dict.fromkeys(tag for layer in chosen for tag in layer.inputs)
        for tag in moved:
            if tag not in there:
                who = f"{chosen[0].block} does" if len(chosen) == 1 else "none of the layers does"
                hint = f"there are: {', '.join(there)}"
                self._add(
                    change.mark, "E206", f"`inputs` moves {tag!r}, which {who} not read", hint
                )

    def _matches_as_said(
        self, edit: Edit, layers: tuple[Layer, ...], chosen: Sequence[int]
    ) -> bool:
        """Whether an edit matches something, and as much as its `count` says; reported if not."""
        count = edit.select.count
        if not chosen:
            reason, hint = explain(edit.select, _candidates(layers, self.signatures))
            self.problems.add(edit.mark, "E207", f"`{edit.verb}` matches no layer: {reason}", hint)
            return False
        if count is not None and count != len(chosen):
            message = f"`{edit.verb}` matches {_plural(len(chosen))}, but `count` says {count}"
            hint = f"they are: {', '.join(_addresses(layers, chosen))}"
            self.problems.add(edit.mark, "E207", message, hint)
            return False
        return True

    def _replaced(self, old: Layer, change: Change) -> Layer:
        """Options of equal name carry over, the others take the new block's defaults."""
        before, after = self.signatures.get(old.block), self.signatures.get(change.block)
        if (before.kind == "head") != (after.kind == "head"):
            self._add(change.mark, "E205", f"{old.block} and {change.block} are not both heads")
            return old
        carried = {name: value for name, value in old.options.items() if name in after.options}
        options = carried | dict(change.options)
        self._check_options(after, options, change.mark)
        out = change.out or old.out
        if not after.takes_out:
            out = None
        elif out is None:
            message = f"{change.block} needs `out`, which {old.block} decides itself"
            self._add(change.mark, "E103", message)
        return replace(
            old,
            block=change.block,
            out=out,
            repeat=change.repeat or old.repeat,
            stride=self._stride(old, change),
            inputs=_rewired(old, change),
            options=options,
            mark=change.mark,
        )

    def _tags(self, old: Layer, change: Change) -> Mapping[str, int]:
        """The layer's tags, with a new one where it had none; an output has one name only."""
        if not change.tag:
            return old.tags
        if old.tags:
            names = ", ".join(old.tags)
            self._add(change.mark, "E206", f"{old.block} has the tag {names} already", "read that")
        return {change.tag: 0}

    def _stride(self, old: Layer, change: Change) -> int | None:
        """The stride of a layer whose block is replaced; None where the new block's own holds."""
        before, after = self.signatures.get(old.block), self.signatures.get(change.block)
        effective = old.stride or before.stride
        if not after.takes_stride:
            if effective != 1:
                message = f"{change.block} takes no stride, but {old.block} has stride {effective}"
                self._add(change.mark, "E202", message)
            return None
        if change.stride:
            return change.stride
        return old.stride if effective == after.stride else effective

    def _set(self, old: Layer, change: Change) -> Layer:
        signature = self.signatures.get(old.block)
        for key, value in (("out", change.out), ("stride", change.stride)):
            if value is not None and not getattr(signature, f"takes_{key}"):
                self._add(change.mark, "E202", f"{old.block} takes no `{key}`")
        options = dict(old.options) | dict(change.options)
        self._check_options(signature, options, change.mark)
        return replace(
            old,
            out=change.out or old.out,
            repeat=change.repeat or old.repeat,
            stride=change.stride or old.stride,
            inputs=_rewired(old, change),
            tags=self._tags(old, change),
            options=options,
            mark=change.mark,
        )

    def _check_options(
        self, signature: BlockSignature, options: dict[str, Json], mark: Mark | None
    ) -> None:
        for name, value in options.items():
            complaint = signature.check_option(name)
            if complaint:
                self._add(mark, "E202", complaint, suggest(name, signature.options))
            elif complaint := misfit(signature, name, value):
                self._add(mark, "E202", complaint)
        for name in missing(signature, set(options)):
            self._add(mark, "E103", f"{signature.address} needs the option {name!r}")

    def _insert(
        self, edit: Edit, layers: tuple[Layer, ...], chosen: Sequence[int]
    ) -> tuple[Layer, ...]:
        result: list[Layer] = []
        tags = [tag for layer in layers for tag in layer.tags]
        for index, layer in enumerate(layers):
            if index not in chosen:
                result.append(layer)
            elif edit.before:
                result += self._inserted_before(edit, layer)
            else:
                result += self._inserted_after(edit, layer, tags)
        return tuple(result)

    def _report_taken(self, edit: Edit, tag: str, tags: Sequence[str]) -> None:
        """A new line that reads the tag which it takes over would read itself."""
        message = (
            f"`insert` takes the tag {tag!r} over from the layer that it comes after, "
            "and would read itself"
        )
        hint = "`keep_tag: true` leaves the tag there, `last` is the line above; tags: "
        self._add(edit.layers[0].mark, "E206", message, hint + ", ".join(tags))

    def _inserted_after(self, edit: Edit, layer: Layer, tags: Sequence[str]) -> list[Layer]:
        """The new lines take the tag over, so that whoever read the layer reads them; `tags` are all there are."""
        if layer.part == "head":
            self._add(edit.mark, "E207", "nothing can be inserted after a head")
            return [layer]
        if len(layer.tags) > 1:
            self._add(
                edit.mark,
                "E207",
                f"{layer.block} has several outputs; nothing can be inserted after it",
            )
        new = [self._placed(edit, line, layer, layer.out) for line in edit.layers]
        taken = [] if edit.keep_tag else [tag for tag in layer.tags if _reads(edit.layers, tag)]
        if taken:
            self._report_taken(edit, taken[0], tags)
            return [layer, *new]
        if not edit.keep_tag and layer.tags:
            new[-1] = replace(new[-1], tags=dict(layer.tags) | dict(new[-1].tags))
            layer = replace(layer, tags={})
        return [layer, *new]

    def _inserted_before(self, edit: Edit, layer: Layer) -> list[Layer]:
        """The first new line reads what the layer read, the layer reads the last new line."""
        if self.signatures.get(layer.block).multi_input:
            self._add(
                edit.mark,
                "E207",
                f"{layer.block} takes several maps; insert after the layers it reads",
            )
            return [layer]
        new = [self._placed(edit, line, layer, None) for line in edit.layers]
        new[0] = replace(new[0], inputs=layer.inputs)
        return [*new, replace(layer, inputs=("last",))]

    def _placed(self, edit: Edit, line: Layer, beside: Layer, out: int | None) -> Layer:
        """An inserted line without `out` keeps the channels of the layer it follows."""
        if self.signatures.get(line.block).takes_out and line.out is None:
            if out is None:
                self._add(edit.mark, "E103", f"{line.block} needs `out`, its channels")
            line = replace(line, out=out)
        return replace(line, part=beside.part, role=inserted_role(line, beside, before=edit.before))

    def _remove(
        self, edit: Edit, layers: tuple[Layer, ...], chosen: Sequence[int]
    ) -> tuple[Layer, ...]:
        """Who read a removed layer reads what it read."""
        result = list(layers)
        for index in reversed(chosen):
            gone = result.pop(index)
            if len(gone.inputs) > 1:
                self._add(
                    edit.mark, "E207", f"{gone.block} joins several maps and cannot be removed"
                )
                continue
            result = self._bridged(result, index, gone)
        return tuple(result)

    def _bridged(self, layers: list[Layer], index: int, gone: Layer) -> list[Layer]:
        source = gone.inputs[0]
        if source != "last":
            if index < len(layers):
                layers[index] = _renamed(layers[index], "last", source)
            for tag in gone.tags:
                layers = [_renamed(layer, tag, source) for layer in layers]
        elif index > 0:  # the first line of all reads the image, which has no tag
            above = layers[index - 1]
            layers[index - 1] = replace(above, tags=dict(above.tags) | dict(gone.tags))
        return layers

    def _add(self, mark: Mark | None, code: str, message: str, hint: str = "") -> None:
        self.problems.add(mark, code, message, hint)


def matches(layers: tuple[Layer, ...], select: Selector, signatures: Signatures) -> list[int]:
    """The places of the layers that all conditions fit.

    `kernel`, `stride` and `groups` are the layer's own options or its block's defaults; `stage` is the stride of its
    output in pixels; `block` and `path` ("backbone.3") may be patterns.
    """
    candidates = _candidates(layers, signatures, staged=bool(select.stage))
    return [index for index, candidate in enumerate(candidates) if fits(select, candidate)]


class _Candidate(NamedTuple):
    """A layer as selectors see it; made for every layer by every edit, so of the kind that is made fastest."""

    part: str
    tags: tuple[str, ...]
    stage: float
    block: str
    kernel: object
    stride: object
    groups: object
    path: str


def _candidates(
    layers: tuple[Layer, ...], signatures: Signatures, *, staged: bool = True
) -> list[_Candidate]:
    """The layers as selectors see them; their stages take half of the time and are seldom asked for."""
    stages = _stages(layers, signatures) if staged else [0.0] * len(layers)
    names = _addresses(layers, range(len(layers)))
    candidates = []
    for layer, stage, name in zip(layers, stages, names, strict=True):
        signature = signatures.get(layer.block)
        kernel, groups = _option(layer, signature, "kernel"), _option(layer, signature, "groups")
        stride = layer.stride or signature.stride
        tags = tuple(layer.tags)
        candidates.append(
            _Candidate(layer.part, tags, stage, layer.block, kernel, stride, groups, name)
        )
    return candidates


def _option(layer: Layer, signature: BlockSignature, name: str) -> object:
    return layer.options.get(name, signature.options.get(name))


def _stages(layers: tuple[Layer, ...], signatures: Signatures) -> list[float]:
    """Each layer's output stride: its input's, times its own, over the `scale` of a block that enlarges."""
    strides: list[float] = []
    tagged: dict[str, float] = {}
    for layer in layers:
        signature = signatures.get(layer.block)
        before = tagged.get(layer.inputs[0], 0.0)
        if layer.inputs[0] == "last":
            before = strides[-1] if strides else 1.0
        scale = _option(layer, signature, "scale")
        factor = float(scale) if isinstance(scale, int | float) else 1.0
        strides.append(before * (layer.stride or signature.stride) / factor)
        # the strides of a block with several outputs are its own affair: 0 matches no stage
        tagged |= dict.fromkeys(layer.tags, strides[-1] if len(layer.tags) == 1 else 0.0)
    return strides


def _addresses(layers: tuple[Layer, ...], chosen: Sequence[int]) -> list[str]:
    first: dict[str, int] = {}
    for index, layer in enumerate(layers):
        first.setdefault(layer.part, index)
    return [f"{layers[i].part}.{i - first[layers[i].part]}" for i in chosen]


def _rewired(layer: Layer, change: Change) -> tuple[str, ...]:
    """What the layer reads after the change."""
    new = change.inputs
    if isinstance(new, Mapping):
        return tuple(new.get(tag, tag) for tag in layer.inputs)
    return new or layer.inputs


def _reads(lines: Sequence[Layer], tag: str) -> bool:
    return any(tag in line.inputs for line in lines)


def _renamed(layer: Layer, tag: str, source: str) -> Layer:
    return replace(layer, inputs=tuple(source if name == tag else name for name in layer.inputs))


def _plural(number: int) -> str:
    return "1 layer" if number == 1 else f"{number} layers"

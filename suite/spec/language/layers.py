"""Layer lines: mappings of a file become `Layer` records whose options fit the block's constructor."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from suite.record import Json
from suite.spec.blocks.options import misfit, missing
from suite.spec.blocks.signatures import BlockSignature, Signatures
from suite.spec.language.keys import LAYER_KEYS, TO_KEYS, WITH_KEYS
from suite.spec.language.values import SCHEMAS, WORD, read_reference
from suite.spec.records.lines import Line, Replacement, Rewrite
from suite.spec.records.source import Layers
from suite.spec.records.steps import Change
from suite.spec.records.variant import Layer, Part
from suite.spec.records.vocabulary import ANCHORS, MAX_OUTPUTS
from suite.yaml.document import Node, Scalar, Table, plain
from suite.yaml.errors import SpecError, suggest
from suite.yaml.forms import Schema, Whole, Word
from suite.yaml.mark import Mark
from suite.yaml.records import Check, Decoder, Entries
from suite.yaml.schemas import closed, ref
from suite.yaml.shapes import Listed, Special

_KIND_PLACE = {
    "head": "is a head; it belongs into `head`",
    "operator": "is an operator; it takes a convolution's place by an edit, `replace`",
}
_OF_LAYERS = frozenset({"out", "repeat", "stride", "inputs"})
_OUTPUT = Whole(0, MAX_OUTPUTS)
_INPUTS = Listed(Word(), "an input", several=True)


@dataclass(frozen=True, slots=True)
class LayerReader:
    """Reads layers and changes of layers against the blocks there are.

    `anchored`: a head may leave its anchors out, since the file's `anchors` or the base's take their place.
    """

    decoder: Decoder
    signatures: Signatures
    anchored: bool = False

    def part(self, node: Node, part: Part) -> Layers | None:
        """All lines of a backbone, neck or head, or `{of: OTHER}`."""
        if isinstance(node, Table):
            return self._borrowed(node, part)
        lines = self.decoder.reader.items(node, f"`{part}`")
        if part != "neck" and not lines:
            self._add(node.mark, "E103", f"`{part}` has no layers")
        return tuple(layer for line in lines if (layer := self.layer(line, part)))

    def _borrowed(self, node: Table, part: Part) -> Layers:
        table = self.decoder.reader.table(node, f"`{part}`", ("of",))
        if table and "of" in table.entries:
            return read_reference(self.decoder, table.entries["of"], "`of`") or ()
        if not node.keys:
            self._add(node.mark, "E103", f"`{part}` is a list of layers or {{of: VARIANT}}")
        return ()

    def layer(self, node: Node, part: Part, *, complete: bool = True) -> Layer | None:
        """One line; `complete=False` lets `out` be told by the line beside which it is inserted."""
        table = self.decoder.reader.table(node, "a layer")
        signature = self._signature(table) if table else None
        if not table or not signature or self._wrong_kind(table, signature, part):
            return None
        options = self._options(table, signature, LAYER_KEYS)
        self._refuse_numbers(table, signature)
        line = self.decoder.values(Line, table, "a layer")
        if complete and signature.takes_out and "out" not in table.entries:
            self._add(table.mark, "E103", f"{signature.address} needs `out`, its channels")
        given = {*options, ANCHORS} if self.anchored and part == "head" else options
        self._require(table.mark, signature, given)
        return None if line is None else _layer(line, signature, part, options, table.mark)

    def change_to(self, node: Node, called: str) -> Change | None:
        """The mapping of `to`; its options are checked when it is applied, against the layer's block."""
        table = self.decoder.reader.table(node, called)
        if table is None:
            return None
        if "block" in table.keys:
            message = f"{called} changes a layer's options, not its block"
            self._add(table.keys["block"], "E102", message, "use `replace`")
        numbers = self.decoder.filled(Rewrite, _without_block(table), called)
        options = {key: plain(node) for key, node in table.entries.items() if key not in TO_KEYS}
        return None if numbers is None else _change("", numbers, options, table.mark)

    def change_with(self, node: Node, called: str) -> Change | None:
        """The mapping of `with`: a block, its numbers and options."""
        table = self.decoder.reader.table(node, called)
        signature = self._signature(table) if table else None
        if table is None or signature is None:
            return None
        options = self._options(table, signature, WITH_KEYS)
        if signature.kind == "operator":
            self._require(table.mark, signature, options)
            for key in table.keys.keys() & _OF_LAYERS:
                message = f"{signature.address} is an operator and has no `{key}` here"
                hint = "it takes over the convolution's own"
                self._add(table.keys[key], "E202", message, hint)
        else:
            self._refuse_numbers(table, signature)
        numbers = self.decoder.filled(Replacement, table, called)
        if numbers is None:
            return None
        return _change(signature.address, numbers, options, table.mark)

    def _signature(self, table: Table) -> BlockSignature | None:
        """The signature of the block that a line names."""
        if "block" not in table.entries:
            self._add(table.mark, "E103", "a layer needs `block`, such as conv.Conv")
            return None
        node = table.entries["block"]
        address = self.decoder.reader.word(node, "`block`")
        return self.known_block(address, node.mark) if address else None

    def known_block(self, address: str, mark: Mark) -> BlockSignature | None:
        """The signature behind an address; its absence is reported at `mark`."""
        try:
            return self.signatures.get(address)
        except SpecError as error:
            for problem in error.problems:
                self._add(mark, problem.code, problem.message, problem.hint)
            return None

    def _wrong_kind(self, table: Table, signature: BlockSignature, part: Part) -> bool:
        if signature.kind == "block" or (signature.kind == "head" and part == "head"):
            return False
        mark = table.entries["block"].mark
        self._add(mark, "E205", f"{signature.address} {_KIND_PLACE[signature.kind]}")
        return True

    def _options(
        self, table: Table, signature: BlockSignature, reserved: tuple[str, ...]
    ) -> dict[str, Json]:
        """The line's other keys, each an option of the block with a value that fits."""
        options: dict[str, Json] = {}
        for key, node in table.entries.items():
            if key in reserved:
                continue
            complaint = signature.check_option(key)
            if complaint:
                hint = suggest(key, (*signature.options, *reserved))
                self._add(table.keys[key], "E202", complaint, hint)
            elif not _all_sound(node):
                continue
            elif complaint := misfit(signature, key, plain(node)):
                self._add(node.mark, "E202", complaint)
            options[key] = plain(node)
        return options

    def _require(self, mark: Mark, signature: BlockSignature, options: Iterable[str]) -> None:
        for name in missing(signature, set(options)):
            self._add(mark, "E103", f"{signature.address} needs the option {name!r}")

    def _refuse_numbers(self, table: Table, signature: BlockSignature) -> None:
        """Report `out` and `stride` where the block does not take them."""
        if not signature.takes_out and "out" in table.keys:
            message = f"{signature.address} decides its channels itself and takes no `out`"
            self._add(table.keys["out"], "E202", message)
        if not signature.takes_stride and "stride" in table.keys:
            message = f"{signature.address} takes no `stride`"
            self._add(table.keys["stride"], "E202", message)

    def _add(self, mark: Mark, code: str, message: str, hint: str = "") -> None:
        self.decoder.reader.problems.add(mark, code, message, hint)


def _layer(
    line: Mapping[str, Any],
    signature: BlockSignature,
    part: Part,
    options: Mapping[str, Json],
    mark: Mark,
) -> Layer:
    """The layer that a line states; no `Line` is made on the way, as there are thousands."""
    tags = {line["tag"]: 0} if "tag" in line else line.get("tags", {})
    return Layer(
        block=signature.address,
        part=part,
        out=line.get("out"),
        repeat=line.get("repeat", 1),
        stride=line.get("stride"),
        inputs=line.get("inputs", ("last",)),
        tags=tags,
        options=options,
        mark=mark,
        row=line.get("row", ()),
    )


def _change(
    block: str, written: Replacement | Rewrite, options: Mapping[str, Json], mark: Mark
) -> Change:
    return Change(
        block=block,
        out=written.out,
        repeat=written.repeat,
        stride=written.stride,
        tag=written.tag if isinstance(written, Rewrite) else "",
        inputs=written.inputs,
        options=options,
        mark=mark,
    )


def _without_block(table: Table) -> Table:
    entries = {key: node for key, node in table.entries.items() if key != "block"}
    return Table(entries, table.keys, table.mark)


def _tags(decoder: Decoder, node: Node, called: str) -> dict[str, int] | None:
    """Tags and the index of the output that each of them names."""
    table = decoder.reader.table(node, called)
    if table is None:
        return None
    tags: dict[str, int] = {}
    for name, each in table.entries.items():
        index = _OUTPUT.read(decoder, each, "an output's index")
        if index is not None:
            tags[name] = index
    return tags


def _inputs(decoder: Decoder, node: Node, called: str) -> tuple[str, ...] | dict[str, str] | None:
    """Tags, or new tags by the old ones."""
    if not isinstance(node, Table):
        listed = _INPUTS.read(decoder, node, called)
        return None if listed is None else tuple(map(str, listed))
    if not node.keys:
        decoder.reader.problems.add(node.mark, "E103", f"{called} names no tag")
    moved = {old: decoder.reader.word(new, "an input") for old, new in node.entries.items()}
    words = {old: new for old, new in moved.items() if new}
    return words if len(words) == len(moved) else None


def _inputs_schema() -> Schema:
    moved: Schema = {"type": "object", "additionalProperties": WORD, "minProperties": 1}
    return {"anyOf": [SCHEMAS.value(_INPUTS), moved]}


def _check_line(line: Entries) -> None:
    """Report tags that cannot be, and inputs that are none."""
    values, keys = line.values, line.table.keys
    if "tag" in keys and "tags" in keys:
        line.report("tags", "E105", "a layer has either `tag` or `tags`")
    if values.get("tag") == "last" or "last" in values.get("tags", ()):
        line.report("", "E206", "'last' means the line above and cannot be a tag")
    if values.get("inputs") == ():
        add = line.decoder.reader.problems.add
        add(line.table.entries["inputs"].mark, "E103", "`inputs` names no tag")


def _part_schema(line: str) -> Schema:
    borrowed = closed({"of": WORD}) | {"required": ["of"]}
    return {"anyOf": [{"type": "array", "items": ref(line)}, borrowed]}


def _tags_schema() -> Schema:
    return {"type": "object", "additionalProperties": SCHEMAS.value(_OUTPUT)}


def _all_sound(node: Node) -> bool:
    return all(scalar.sound for scalar in _scalars(node))


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
        return
    for child in node.entries.values() if isinstance(node, Table) else node.items:
        yield from _scalars(child)


LAYER_FORMS = {
    "backbone": Special(
        lambda decoder, node, _: decoder.layers.part(node, "backbone"),
        lambda: _part_schema("layer"),
    ),
    "neck": Special(
        lambda decoder, node, _: decoder.layers.part(node, "neck"), lambda: _part_schema("layer")
    ),
    "head": Special(
        lambda decoder, node, _: decoder.layers.part(node, "head"), lambda: _part_schema("head")
    ),
    "tags": Special(_tags, _tags_schema),
    "inputs": Special(_inputs, _inputs_schema),
}
LAYER_CHECKS: dict[type[Any], Check] = dict.fromkeys(
    (Line, Replacement, Rewrite), Check(_check_line)
)

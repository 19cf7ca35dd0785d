"""Layer lines: mappings of a file become `Layer` records whose options fit the block's constructor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from suite.record import Json
from suite.spec.blocks.options import misfit, missing
from suite.spec.blocks.signatures import BlockSignature, Signatures
from suite.spec.language.vocabulary import (
    CHANGE_KEYS,
    LAYER_KEYS,
    MAX_OUT,
    MAX_OUTPUTS,
    MAX_REPEAT,
    MAX_STRIDE,
)
from suite.spec.records.source import Change
from suite.spec.records.variant import Layer, Part
from suite.yaml.document import Node, Scalar, Table, plain
from suite.yaml.errors import SpecError, suggest
from suite.yaml.mark import Mark
from suite.yaml.reader import Reader

_KIND_PLACE = {
    "head": "is a head; it belongs into `head`",
    "operator": "is an operator; it takes a convolution's place by an edit, `replace`",
}


@dataclass(frozen=True, slots=True)
class LayerReader:
    """Reads layers and changes of layers against the blocks there are."""

    reader: Reader
    signatures: Signatures

    def part(self, node: Node, part: Part) -> tuple[Layer, ...]:
        """All lines of a backbone, neck or head."""
        lines = self.reader.items(node, f"`{part}`")
        if part != "neck" and not lines:
            self.reader.problems.add(node.mark, "E103", f"`{part}` has no layers")
        return tuple(layer for line in lines if (layer := self.layer(line, part)))

    def layer(self, node: Node, part: Part, *, complete: bool = True) -> Layer | None:
        """One line; `complete=False` lets `out` be told by the line beside which it is inserted."""
        table = self.reader.table(node, "a layer")
        signature = self._signature(table) if table else None
        if not table or not signature:
            return None
        if self._wrong_kind(table, signature, part):
            return None
        options = self._options(table, signature, LAYER_KEYS)
        out, repeat, stride = self._numbers(table, signature)
        if complete and signature.takes_out and out is None and "out" not in table.entries:
            self._add(table.mark, "E103", f"{signature.address} needs `out`, its channels")
        self._require(table.mark, signature, options)
        return Layer(
            block=signature.address,
            part=part,
            out=out,
            repeat=repeat or 1,
            stride=stride,
            inputs=self._inputs(table),
            tags=self._tags(table),
            options=options,
            mark=table.mark,
        )

    def change(self, node: Node, what: str, *, block: bool) -> Change | None:
        """The mapping of `with` (with a block) or `to` (without one; its options are checked when it is applied)."""
        table = self.reader.table(node, what)
        if table is None:
            return None
        if not block:
            if "block" in table.keys:
                self._add(
                    table.keys["block"],
                    "E102",
                    "`to` changes a layer's options, not its block",
                    "use `replace`",
                )
            out, repeat, stride = self._numbers(table, None)
            options = {
                key: plain(value) for key, value in table.entries.items() if key not in CHANGE_KEYS
            }
            return Change("", out, repeat, stride, options, table.mark)
        signature = self._signature(table)
        if signature is None:
            return None
        options = self._options(table, signature, CHANGE_KEYS)
        if signature.kind == "operator":
            self._require(table.mark, signature, options)
            for key in table.keys.keys() & {"out", "repeat", "stride"}:
                hint = "it takes over the convolution's own"
                self._add(
                    table.keys[key],
                    "E202",
                    f"{signature.address} is an operator and has no `{key}` here",
                    hint,
                )
        out, repeat, stride = self._numbers(
            table, None if signature.kind == "operator" else signature
        )
        return Change(signature.address, out, repeat, stride, options, table.mark)

    def _signature(self, table: Table) -> BlockSignature | None:
        """The signature of the block that a line names."""
        if "block" not in table.entries:
            self._add(table.mark, "E103", "a layer needs `block`, such as conv.Conv")
            return None
        node = table.entries["block"]
        address = self.reader.word(node, "`block`")
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
        found: dict[str, Json] = {}
        for key, node in table.entries.items():
            if key in reserved:
                continue
            complaint = signature.check_option(key)
            if complaint:
                self._add(
                    table.keys[key],
                    "E202",
                    complaint,
                    suggest(key, (*signature.options, *reserved)),
                )
            elif not _all_sound(node):
                continue
            elif complaint := misfit(signature, key, plain(node)):
                self._add(node.mark, "E202", complaint)
            found[key] = plain(node)
        return found

    def _require(self, mark: Mark, signature: BlockSignature, options: Mapping[str, Json]) -> None:
        for name in missing(signature, set(options)):
            self._add(mark, "E103", f"{signature.address} needs the option {name!r}")

    def _numbers(
        self, table: Table, signature: BlockSignature | None
    ) -> tuple[int | None, int | None, int | None]:
        """`out`, `repeat` and `stride` where they are given and the block takes them."""
        takes_out = signature is None or signature.takes_out
        takes_stride = signature is None or signature.takes_stride
        if not takes_out and "out" in table.keys:
            self._add(
                table.keys["out"],
                "E202",
                f"{_block_of(table)} decides its channels itself and takes no `out`",
            )
        if not takes_stride and "stride" in table.keys:
            self._add(table.keys["stride"], "E202", f"{_block_of(table)} takes no `stride`")
        return (
            self._whole(table, "out", MAX_OUT) if takes_out else None,
            self._whole(table, "repeat", MAX_REPEAT),
            self._whole(table, "stride", MAX_STRIDE) if takes_stride else None,
        )

    def _whole(self, table: Table, key: str, high: int) -> int | None:
        node = table.entries.get(key)
        return None if node is None else self.reader.whole(node, f"`{key}`", low=1, high=high)

    def _inputs(self, table: Table) -> tuple[str, ...]:
        node = table.entries.get("inputs")
        if node is None:
            return ("last",)
        words = [self.reader.word(item, "an input") for item in self.reader.several(node)]
        if not words:
            self._add(node.mark, "E103", "`inputs` names no tag")
        return tuple(word for word in words if word)

    def _tags(self, table: Table) -> dict[str, int]:
        """`tag: p3` names the output, `tags: {p3: 1}` an output of several."""
        if "tag" in table.keys and "tags" in table.keys:
            self._add(table.keys["tags"], "E105", "a layer has either `tag` or `tags`")
        found: dict[str, int] = {}
        if "tag" in table.entries:
            name = self.reader.word(table.entries["tag"], "`tag`")
            found |= {name: 0} if name else {}
        many = (
            self.reader.table(table.entries["tags"], "`tags`") if "tags" in table.entries else None
        )
        for name, node in many.entries.items() if many else ():
            index = self.reader.whole(node, "an output's index", low=0, high=MAX_OUTPUTS)
            found |= {name: index} if index is not None else {}
        if "last" in found:
            self._add(table.mark, "E206", "'last' means the line above and cannot be a tag")
        return found

    def _add(self, mark: Mark, code: str, message: str, hint: str = "") -> None:
        self.reader.problems.add(mark, code, message, hint)


def _block_of(table: Table) -> str:
    """The block a line names, as written."""
    return str(plain(table.entries["block"]))


def _all_sound(node: Node) -> bool:
    return all(scalar.sound for scalar in _scalars(node))


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    else:
        for child in node.entries.values() if isinstance(node, Table) else node.items:
            yield from _scalars(child)

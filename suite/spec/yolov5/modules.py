"""Rows of model files as lines: each argument becomes the option that it sets, or is named where it cannot."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from suite.record import Json
from suite.spec.blocks.options import misfit
from suite.spec.blocks.signatures import BlockSignature, Signatures
from suite.spec.records.variant import Layer
from suite.spec.records.vocabulary import MAX_OUT, MAX_STRIDE
from suite.spec.yolov5.model_file import ModelFile, Row, value_of
from suite.spec.yolov5.tables import (
    BLOCKS,
    CONCAT,
    HEADS,
    IGNORED,
    KEEPERS,
    MODULES,
    ONLY,
    SAME_POOL,
    TRANSPOSED,
    ZERO_PAD,
    Keeper,
    Module,
)
from suite.spec.yolov5.unknown import unknown_module, way_by_edits
from suite.yaml.document import Node, Scalar
from suite.yaml.errors import quote
from suite.yaml.reader import Reader

_ROWS: Mapping[str, Module] = {**MODULES, **BLOCKS}
_KNOWN = frozenset((*_ROWS, *KEEPERS, *HEADS, CONCAT, ZERO_PAD))
_MAX_POOL = "maxpool.MaxPool"
_MAX_SCALE = 16  # more is a number of channels
_POOLED = frozenset({_MAX_POOL, "simsppf.SimSPPF", "sppf.SPPF"})
"""Their pooling kernels are padded alike in both."""


@dataclass(frozen=True, slots=True)
class ModuleReader:
    """Reads rows against the table and the blocks' constructors; what does not fit is reported at its argument."""

    reader: Reader
    signatures: Signatures
    model: ModelFile
    per_level: int  # anchors a level, which decides what YOLOv5 takes for a read-out

    def is_known(self, row: Row) -> bool:
        """Whether a table has the row's module; reported if not."""
        if row.module in _KNOWN:
            return True
        message, hint = unknown_module(row, self.signatures)
        self.reader.problems.add(row.module_mark, "E201", message, hint)
        return False

    def layer(self, row: Row, channels: int, zeros: tuple[int, ...] = ()) -> Layer | None:
        """The row as a line without inputs and tags; `channels` come in, `zeros` are a border drawn before."""
        if row.module in KEEPERS:
            return self._kept(row, KEEPERS[row.module], channels)
        module = _ROWS[row.module]
        signature = self.signatures.get(module.block)
        if not self._takes(module, row):
            return None
        if module.block == TRANSPOSED:
            return self._transposed(row, channels)
        before = len(self.reader.problems.found)
        pairs = zip(module.arguments, row.args, strict=False)
        given = {name: node for name, node in pairs if name != IGNORED}
        out = self.out(given.pop("out"), row) if "out" in given else None
        stride = self._stride(given.pop("stride", None), row)
        options: dict[str, Json] = dict(module.defaults)
        for name, node in given.items():
            if self._is_option(name, node, row, signature):
                options[name] = _number(name, value_of(node))
        if len(self.reader.problems.found) > before:
            return None
        options = self._completed(row, options, (channels, out), zeros)
        pools = module.block == _MAX_POOL
        if pools:
            stride = _pooled(row.module, options, stride)
        stated = _stated(options, signature)
        if row.module == "nn.Upsample":
            stated["scale"] = options["scale"]  # what such a line is for
        if stride == signature.stride and not pools:
            stride = None
        return Layer(module.block, "neck", out, row.number, stride, options=stated, mark=row.mark)

    def _kept(self, row: Row, keeper: Keeper, channels: int) -> Layer | None:
        """A block that keeps its channels, which the row may name, once or as those in and out."""
        rest = list(row.args)
        for _ in range(2):
            if rest and self._is_width(rest[0], channels):
                del rest[0]
        signature = self.signatures.get(keeper.block)
        form = next((form for form in keeper.forms if len(form) == len(rest)), None)
        options: dict[str, Json] = {}
        if form is not None:
            options = dict(zip(form, map(value_of, rest), strict=True))
        fits = not any(misfit(signature, name, value) for name, value in options.items())
        if form is None or not fits or not _is_scale(options.get("scale", 1)):
            arguments = quote([value_of(argument) for argument in row.args])
            message = (
                f"row {row.index}: {row.module} on {channels} channels, with the arguments {arguments}, "
                "is not read"
            )
            way = way_by_edits(keeper.block, self.signatures)
            self.reader.problems.add(row.mark, "E202", message, way)
            return None
        stated = _stated(options, signature)
        return Layer(keeper.block, "neck", None, row.number, options=stated, mark=row.mark)

    def _is_width(self, node: Node, channels: int) -> bool:
        """Whether an argument is the channels that come in, before or after they are multiplied."""
        value = value_of(node)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_OUT:
            return False
        return channels in {value, self.model.channels(value, self.per_level)}

    def _takes(self, module: Module, row: Row) -> bool:
        """Whether the row has as many arguments as the module takes; reported if not."""
        low, high = module.needed, len(module.arguments)
        if low <= len(row.args) <= high:
            return True
        few = f"{low} to {high}" if low < high else f"{high}"
        message = f"row {row.index}: {row.module} takes {few} arguments, not {len(row.args)}"
        order = ", ".join(name for name in module.arguments if name != IGNORED)
        hint = f"in this order: {order}" if order else ""
        self.reader.problems.add(row.mark, "E202", message, hint)
        return False

    def _transposed(self, row: Row, channels: int) -> Layer | None:
        """A transposed convolution, where it writes every pixel once and keeps the channels."""
        out, scale = self.out(row.args[0], row), self._stride(row.args[2], row)
        if out is None or scale is None:
            return None
        kernel, padding = value_of(row.args[1]), [value_of(node) for node in row.args[3:]]
        if out != channels or kernel != scale or any(padding):
            reason = f"from {channels} to {out} channels"
            if out == channels:
                reason = f"with kernel {quote(kernel)}, stride {scale} and padding {quote(padding)}"
            message = f"row {row.index}: {row.module} {reason} has no counterpart here"
            hint = (
                f"only one that keeps its {channels} channels has, whose kernel is its stride, "
                f"without padding: kernel {scale}, stride {scale}"
            )
            self.reader.problems.add(row.mark, "E202", message, hint)
            return None
        options: dict[str, Json] = {"scale": scale}
        if row.module.startswith("DW"):
            options["groups"] = 0
        return Layer(TRANSPOSED, "neck", None, row.number, options=options, mark=row.mark)

    def out(self, node: Node, row: Row) -> int | None:
        """The channels that a row states, multiplied; None if they cannot be, which is reported."""
        what = f"the channels of row {row.index}"
        value = self.reader.whole(_as_whole(node), what, low=1, high=MAX_OUT)
        if value is None:
            return None
        out = self.model.channels(value, self.per_level)
        self.reader.within(
            node.mark, f"the channels of row {row.index}, multiplied,", out, 1, MAX_OUT
        )
        return out

    def _stride(self, node: Node | None, row: Row) -> int | None:
        if node is None or value_of(node) is None:
            return None
        return self.reader.whole(node, f"the stride of row {row.index}", low=1, high=MAX_STRIDE)

    def _is_option(self, name: str, node: Node, row: Row, signature: BlockSignature) -> bool:
        """Whether the argument becomes an option; False where its only possible value says nothing."""
        value, where = value_of(node), f"row {row.index}: {row.module}"
        if name in ONLY:
            if value != ONLY[name] or isinstance(value, bool) != isinstance(ONLY[name], bool):
                message = f"{where} with {name} {quote(value)} has no counterpart here"
                self.reader.problems.add(
                    node.mark, "E202", message, f"only {quote(ONLY[name])} has"
                )
            return False
        if complaint := misfit(signature, name, _number(name, value)):
            self.reader.problems.add(node.mark, "E202", f"row {row.index}: {complaint}")
        elif name == "kernel" and _pads_even_kernels_differently(value, signature):
            message = f"{where} pads the even kernel {value} as no block here does"
            self.reader.problems.add(node.mark, "E202", message, "use an odd one")
        return True

    def _completed(
        self,
        row: Row,
        options: dict[str, Json],
        channels: tuple[int, int | None],
        zeros: tuple[int, ...],
    ) -> dict[str, Json]:
        """With what YOLOv5 works out itself and a line here states."""
        kernel = options.get("kernel", 1)
        if _ROWS[row.module].block == "conv.Conv" and isinstance(kernel, int):
            if options.get("padding") is None:
                options["padding"] = kernel // 2
            # what a line without it gets; only of an even kernel that is another
            if kernel % 2 and options["padding"] == kernel // 2:
                del options["padding"]
        if row.module == "DWConv" and channels[1]:
            options["groups"] = math.gcd(channels[0], channels[1])
        if zeros:
            options["zeros"] = list(zeros)
        return options


def _pooled(module: str, options: dict[str, Json], stride: int | None) -> int:
    """The stride of a pooling; kernel and padding are filled in where its module decides them."""
    kernel = options.setdefault("kernel", 3 if module == SAME_POOL else 2)
    assert isinstance(kernel, int)
    if module != SAME_POOL:
        return stride or kernel  # as torch has it
    options["padding"] = kernel // 2
    return stride or 1


def _number(name: str, value: Json) -> Json:
    """An enlargement as a whole number, where it is written with a point."""
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if name == "scale" and whole and isinstance(value, float) else value


def _as_whole(node: Node) -> Node:
    """Channels that are written with a point: YOLOv5 rounds them up to whole multiples anyway."""
    if isinstance(node, Scalar) and isinstance(node.value, float) and node.value.is_integer():
        return node._replace(value=int(node.value))
    return node


def _is_scale(value: Json) -> bool:
    return isinstance(value, int) and 1 <= value <= _MAX_SCALE


def _stated(options: Mapping[str, Json], signature: BlockSignature) -> dict[str, Json]:
    """The options that are not the block's defaults."""
    return {key: value for key, value in options.items() if value != signature.options.get(key)}


def _pads_even_kernels_differently(kernel: Json, signature: BlockSignature) -> bool:
    """Half the kernel there, half of what is left of it without its centre here; a stated padding is alike."""
    even = isinstance(kernel, int) and kernel % 2 == 0
    return even and "padding" not in signature.options and signature.address not in _POOLED

"""YOLOv5's modules as blocks of this language: which block a row is, and which option each of its arguments sets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from suite.record import Json
from suite.spec.blocks.options import misfit
from suite.spec.blocks.signatures import BlockSignature, Signatures
from suite.spec.records.variant import Layer
from suite.spec.records.vocabulary import MAX_OUT, MAX_STRIDE
from suite.spec.yolov5.model_file import ModelFile, Row, value_of
from suite.yaml.document import Node
from suite.yaml.errors import quote, suggest
from suite.yaml.reader import Reader

CONCAT, DETECT, ZERO_PAD, POOL = "Concat", "Detect", "nn.ZeroPad2d", "nn.MaxPool2d"
_IGNORED = "-"  # YOLOv5 takes the argument and makes nothing of it
_ONLY: Mapping[str, Json] = {
    "dilation": 1,
    "act": True,
    "size": None,
    "mode": "nearest",
    "dimension": 1,
}
"""Arguments that have no counterpart here, with the only value that needs none."""


@dataclass(frozen=True, slots=True)
class Module:
    """A block's address, and what the arguments after the channels in mean, in YOLOv5's order.

    The first `needed` arguments have no default.
    """

    block: str
    arguments: tuple[str, ...]
    needed: int = 1


_TRANSPOSED = "transposed.Transposed"
_CONV = ("out", "kernel", "stride", "padding", "groups", "dilation", "act")
_C3 = ("out", "shortcut", "groups", "expansion")
_C3_WITHOUT_BOTTLENECKS = ("out", _IGNORED, _IGNORED, "expansion")

MODULES: Mapping[str, Module] = {
    "Bottleneck": Module("c3.Bottleneck", _C3),
    "BottleneckCSP": Module("csp.BottleneckCSP", _C3),
    "C3": Module("c3.C3", _C3),
    "C3Ghost": Module("ghost.C3Ghost", _C3_WITHOUT_BOTTLENECKS),
    "C3TR": Module("c3tr.C3TR", _C3_WITHOUT_BOTTLENECKS),
    "C3x": Module("c3x.C3x", _C3),
    "Conv": Module("conv.Conv", _CONV),
    "DWConv": Module("conv.Conv", ("out", "kernel", "stride", "dilation", "act")),
    "DWConvTranspose2d": Module(_TRANSPOSED, ("out", "kernel", "stride"), needed=3),
    "Focus": Module(
        "focus.Focus", ("out", "kernel", "inner stride", "inner padding", "groups", "act")
    ),
    "GhostBottleneck": Module("ghost.GhostBottleneck", ("out", "kernel", "stride")),
    "GhostConv": Module("ghost.GhostConv", ("out", "kernel", "stride", "groups", "act")),
    "SPP": Module("spp.SPP", ("out", "kernels")),
    "SPPF": Module("sppf.SPPF", ("out", "kernel")),
    "nn.BatchNorm2d": Module("batchnorm.BatchNorm", (_IGNORED,), needed=0),
    "nn.ConvTranspose2d": Module(_TRANSPOSED, ("out", "kernel", "stride"), needed=3),
    POOL: Module("maxpool.MaxPool", ("kernel", "stride", "padding")),
    "nn.Upsample": Module("upsample.Upsample", ("size", "scale", "mode"), needed=3),
}
_OWN_RULES = (CONCAT, DETECT, ZERO_PAD)
_POOLED = frozenset({"maxpool.MaxPool", "sppf.SPPF"})  # pooling kernels are padded alike in both


@dataclass(frozen=True, slots=True)
class ModuleReader:
    """Reads rows against the table and the blocks' constructors; what does not fit is reported at its argument."""

    reader: Reader
    signatures: Signatures
    model: ModelFile
    per_level: int  # anchors a level, which decides what YOLOv5 takes for a read-out

    def is_known(self, row: Row) -> bool:
        """Whether the table has the row's module; reported if not."""
        if row.module in MODULES or row.module in _OWN_RULES:
            return True
        hint = suggest(row.module, (*MODULES, *_OWN_RULES))
        message = (
            f"row {row.index} is of the module {quote(row.module)}, which has no counterpart here"
        )
        self.reader.problems.add(row.module_mark, "E201", message, hint)
        return False

    def layer(self, row: Row, channels: int, zeros: tuple[int, ...] = ()) -> Layer | None:
        """The row as a line without inputs and tags; `channels` come in, `zeros` are a border drawn before."""
        module = MODULES[row.module]
        signature = self.signatures.get(module.block)
        if not self._takes(module, row):
            return None
        if module.block == _TRANSPOSED:
            return self._transposed(row, channels)
        before = len(self.reader.problems.found)
        pairs = zip(module.arguments, row.args, strict=False)
        given = {name: node for name, node in pairs if name != _IGNORED}
        out = self._out(given.pop("out"), row) if "out" in given else None
        stride = self._stride(given.pop("stride", None), row)
        options: dict[str, Json] = {}
        for name, node in given.items():
            if self._is_option(name, node, row, signature):
                options[name] = value_of(node)
        if len(self.reader.problems.found) > before:
            return None
        options = self._completed(row, options, (channels, out), zeros)
        if row.module == POOL and stride is None:
            kernel = options["kernel"]
            assert isinstance(kernel, int)
            stride = kernel  # as torch has it
        stated = _stated(options, signature)
        if row.module == "nn.Upsample":
            stated["scale"] = options["scale"]  # what such a line is for
        if stride == signature.stride and row.module != POOL:
            stride = None
        return Layer(module.block, "neck", out, row.number, stride, options=stated, mark=row.mark)

    def _takes(self, module: Module, row: Row) -> bool:
        """Whether the row has as many arguments as the module takes; reported if not."""
        low, high = module.needed, len(module.arguments)
        if low <= len(row.args) <= high:
            return True
        few = f"{low} to {high}" if low < high else f"{high}"
        message = f"row {row.index}: {row.module} takes {few} arguments, not {len(row.args)}"
        order = ", ".join(name for name in module.arguments if name != _IGNORED)
        hint = f"in this order: {order}" if order else ""
        self.reader.problems.add(row.mark, "E202", message, hint)
        return False

    def _transposed(self, row: Row, channels: int) -> Layer | None:
        """A transposed convolution, where it writes every pixel once and keeps the channels."""
        out, scale = self._out(row.args[0], row), self._stride(row.args[2], row)
        if out is None or scale is None:
            return None
        if out != channels or value_of(row.args[1]) != scale:
            message = (
                f"row {row.index}: {row.module} from {channels} to {out} channels "
                "has no counterpart here"
            )
            hint = "only one that keeps them and whose kernel is its stride"
            self.reader.problems.add(row.mark, "E202", message, hint)
            return None
        options: dict[str, Json] = {"scale": scale}
        if row.module.startswith("DW"):
            options["groups"] = 0
        return Layer(_TRANSPOSED, "neck", None, row.number, options=options, mark=row.mark)

    def _out(self, node: Node, row: Row) -> int | None:
        value = self.reader.whole(node, f"the channels of row {row.index}", low=1, high=MAX_OUT)
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
        only = {**_ONLY, "inner stride": 1, "inner padding": None}
        if name in only:
            if value != only[name] or isinstance(value, bool) != isinstance(only[name], bool):
                message = f"{where} with {name} {quote(value)} has no counterpart here"
                self.reader.problems.add(
                    node.mark, "E202", message, f"only {quote(only[name])} has"
                )
            return False
        if complaint := misfit(signature, name, value):
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
        if MODULES[row.module].block == "conv.Conv" and isinstance(kernel, int):
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


def _stated(options: Mapping[str, Json], signature: BlockSignature) -> dict[str, Json]:
    """The options that are not the block's defaults."""
    return {key: value for key, value in options.items() if value != signature.options.get(key)}


def _pads_even_kernels_differently(kernel: Json, signature: BlockSignature) -> bool:
    """Half the kernel there, half of what is left of it without its centre here; a stated padding is alike."""
    even = isinstance(kernel, int) and kernel % 2 == 0
    return even and "padding" not in signature.options and signature.address not in _POOLED

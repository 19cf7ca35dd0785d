"""Which block of this language a row's module is, and which option each of its arguments sets.

`MODULES` are those of YOLOv5's own package, the same network here and there. `BLOCKS` and `KEEPERS` are names that
people add to it: the rows of their public model files agree on the order of arguments, their code does not on details.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.record import Json

CONCAT, ZERO_PAD, POOL = "Concat", "nn.ZeroPad2d", "nn.MaxPool2d"
DETECT, DETECT_X = "Detect", "DetectX"
HEADS: Mapping[str, str] = {
    DETECT: "anchor.AnchorHead",
    "IDetect": "implicit.ImplicitHead",
    DETECT_X: "decoupled.DecoupledHead",
}
SAME_POOL = "SP"  # pools with a stride of 1 and a padding that keeps the resolution
TRANSPOSED = "transposed.Transposed"
IGNORED = "-"  # the module takes the argument and makes nothing of it
ONLY: Mapping[str, Json] = {
    "dilation": 1,
    "act": True,
    "size": None,
    "mode": "nearest",
    "dimension": 1,
    "inner stride": 1,
    "inner padding": None,
    "its kernel": 3,
    "its stride": 1,
    "its groups": 1,
    "deploy": False,
}
"""Arguments that have no counterpart here, with the only value that needs none."""


@dataclass(frozen=True, slots=True)
class Module:
    """A block's address, and what the arguments after the channels in mean, in the module's order.

    The first `needed` arguments have no default. `defaults` are the module's own where the block's are others.
    """

    block: str
    arguments: tuple[str, ...]
    needed: int = 1
    defaults: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keeper:
    """A block that keeps its channels. Rows may name these first; one of `forms` is what follows."""

    block: str
    forms: tuple[tuple[str, ...], ...] = ((),)


_CONV = ("out", "kernel", "stride", "padding", "groups", "dilation", "act")
_C3 = ("out", "shortcut", "groups", "expansion")
_C3_WITHOUT_BOTTLENECKS = ("out", IGNORED, IGNORED, "expansion")
_MOBILE_ONE = Module("mobileone.MobileOne", ("out", "branches", "stride", "deploy"), needed=4)
_SHUFFLE_STEM, _SHUFFLE_UNIT = (
    Module("shufflenetv2.Stem", ("out",)),
    Module("shufflenetv2.Unit", ("out", "stride"), needed=2),
)
_TRANSPOSED = ("out", "kernel", "stride", "padding", "output padding")

MODULES: Mapping[str, Module] = {
    "Bottleneck": Module("c3.Bottleneck", _C3),
    "BottleneckCSP": Module("csp.BottleneckCSP", _C3),
    "C3": Module("c3.C3", _C3),
    "C3Ghost": Module("ghost.C3Ghost", _C3_WITHOUT_BOTTLENECKS),
    "C3TR": Module("c3tr.C3TR", _C3_WITHOUT_BOTTLENECKS),
    "C3x": Module("c3x.C3x", _C3),
    "Conv": Module("conv.Conv", _CONV),
    "DWConv": Module("conv.Conv", ("out", "kernel", "stride", "dilation", "act")),
    "DWConvTranspose2d": Module(TRANSPOSED, _TRANSPOSED, needed=3),
    "Focus": Module(
        "focus.Focus", ("out", "kernel", "inner stride", "inner padding", "groups", "act")
    ),
    "GhostBottleneck": Module("ghost.GhostBottleneck", ("out", "kernel", "stride")),
    "GhostConv": Module("ghost.GhostConv", ("out", "kernel", "stride", "groups", "act")),
    "SPP": Module("spp.SPP", ("out", "kernels")),
    "SPPF": Module("sppf.SPPF", ("out", "kernel")),
    "nn.BatchNorm2d": Module("batchnorm.BatchNorm", (IGNORED,), needed=0),
    "nn.ConvTranspose2d": Module(TRANSPOSED, _TRANSPOSED, needed=3),
    POOL: Module("maxpool.MaxPool", ("kernel", "stride", "padding")),
    "nn.Upsample": Module("upsample.Upsample", ("size", "scale", "mode"), needed=2),
}

BLOCKS: Mapping[str, Module] = {
    "BoT3": Module(
        "bot3.BoT3", ("out", "expansion", "squeeze", IGNORED, IGNORED), defaults={"squeeze": 1.0}
    ),
    "C2f": Module("c2f.C2f", _C3, defaults={"shortcut": False}),
    "C3STR": Module("c3str.C3STR", _C3_WITHOUT_BOTTLENECKS, defaults={"window": 8}),
    "CNeB": Module("c3convnext.C3ConvNeXt", _C3_WITHOUT_BOTTLENECKS),
    "GSConv": Module("gsconv.GSConv", ("out", "kernel", "stride", "its groups", "act")),
    "Conv_maxpool": _SHUFFLE_STEM,
    "MP": Module("maxpool.MaxPool", ("kernel",), needed=0),
    "MobileOne": _MOBILE_ONE,
    "MobileOneBlock": _MOBILE_ONE,
    "RepConv": Module(
        "yolov7.Rep", ("out", "its kernel", "its stride", "inner padding", "its groups", "act")
    ),
    SAME_POOL: Module("maxpool.MaxPool", ("kernel", "stride"), needed=0),
    "SPPCSPC": Module("sppcspc.SPPCSPC", ("out", IGNORED, IGNORED, "expansion", "kernels")),
    "ShuffleNetV2_Model": _SHUFFLE_UNIT,
    "Shuffle_Block": _SHUFFLE_UNIT,
    "SimSPPF": Module("simsppf.SimSPPF", ("out", "kernel")),
    "VoVGSCSP": Module("gsconv.VoVGSCSP", _C3_WITHOUT_BOTTLENECKS),
    "conv_bn_relu_maxpool": _SHUFFLE_STEM,
}
KEEPERS: Mapping[str, Keeper] = {
    "CA": Keeper("coordatt.CoordAtt"),
    "CARAFE": Keeper("carafe.CARAFE", ((), ("scale",), ("encoder", "kernel", "hidden", "scale"))),
    "CBAM": Keeper("cbam.CBAM"),
    "CoordAtt": Keeper("coordatt.CoordAtt"),
    "DySample": Keeper("dysample.DySample", ((), ("scale",))),
    "SE": Keeper("se.SE"),
    "SEAttention": Keeper("se.SE"),
    "ShuffleAttention": Keeper("shuffleattention.ShuffleAttention"),
    "SimAM": Keeper("simam.SimAM"),
}
EXACT = frozenset({"IDetect", "MP", "RepConv", SAME_POOL, "SPPCSPC"})
"""Names that all public files mean alike: YOLOv7's, which the blocks here are tested against."""

ALIASES: Mapping[str, str] = {
    "BasicRFB": "rfb.RFB",
    "BiFPN_Add2": "bifpn.Fuse",
    "BiFPN_Add3": "bifpn.Fuse",
    "ConvNextBlock": "convnext.ConvNeXt",
    "DCNv2": "deform.DeformConv2d",
    "Decoupled_Detect": "decoupled.DecoupledHead",
    "DepthSepConv": "depthwise.DWConv",
    "GAMAttention": "gam.GAM",
    "MobileNetV2": "mobilenetv2.InvertedResidual",
    "MobileNetV3": "mobilenetv3.InvertedResidual",
    "MobileNetV3_InvertedResidual": "mobilenetv3.InvertedResidual",
    "RepVGGBlock": "repconv.RepConv",
    "ShuffleNetV2": "shufflenetv2.Unit",
    "SwinTransformer": "swin.Stage",
    "SwinTransformerBlock": "swin.Stage",
    "conv_bn_hswish": "mobilenetv3.Conv",
    "mobilev3_bneck": "mobilenetv3.InvertedResidual",
    "space_to_depth": "spdconv.SPDConv",
}
"""Other names of blocks that the suite has, whose rows do not agree on their arguments."""

"""Every stored case of tests/golden/blocks, and how the block that it is of is constructed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from suite.nn.blocks import ghost, mobilenetv2, mobilenetv3, repvit, swin, yolov7
from suite.nn.blocks.convnext import ConvNeXt
from suite.nn.blocks.emo import IRMB
from suite.nn.blocks.mbconv import FusedMBConv, MBConv
from suite.nn.blocks.odconv import ODConv
from suite.nn.blocks.shufflenetv2 import Unit
from suite.nn.blocks.sppcspc import SPPCSPC
from suite.nn.blocks.sppf import SPPF
from tests.nn.blocks.fill import GOLDEN, fill, golden

Config = dict[str, Any]
Expected = dict[str, Any]
Construct = Callable[[Config], nn.Module]

OTHER_KINDS = {"backbone_counts", "convnext_roadmap", "fill_rule_check"}  # files without cases


@dataclass(frozen=True)
class Case:
    """One stored case and the way to build its block."""

    file: str
    name: str
    expected: Expected
    construct: Construct

    def build(self) -> nn.Module:
        module: nn.Module = fill(
            self.construct(self.expected["config"]), self.expected.get("nw_scale", 1.0)
        )
        return module


class ChannelsLast(nn.Module):
    """A block as some cases run it: channels are the last dimension."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return out


def _widths(config: Config) -> tuple[int, int]:
    return config["c_in"], config["c_out"]


def _odconv(config: Config) -> nn.Module:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
    return ODConv(
        *[config[name] for name in names],
        groups=config["groups"],
        kernels=config["kernel_num"],
        reduction=config["reduction"],
        min_hidden=config["min_hidden"],
    )


def _convnext(config: Config) -> nn.Module:
    scale = 1.0 if config["layer_scale"] else None
    width = config["channels"]
    return ConvNeXt(
        width, width, kernel=config["kernel_size"], expand=config["mlp_ratio"], layer_scale=scale
    )


def _mbconv(config: Config) -> nn.Module:
    block = MBConv if "se_hidden" in config else FusedMBConv
    return block(
        *_widths(config), expand=config["expand"], kernel=config["kernel"], stride=config["stride"]
    )


def _mobilenetv3(config: Config) -> nn.Module:
    return mobilenetv3.InvertedResidual(
        *_widths(config),
        expand=config["expanded"] / config["c_in"],
        kernel=config["kernel"],
        stride=config["stride"],
        squeeze=config["se"],
        act="hardswish" if config["act"] == "Hardswish" else "relu",
    )


def _emo(config: Config) -> nn.Module:
    return IRMB(
        config["ci"],
        config["co"],
        expand=config["exp"],
        stride=config.get("s", 1),
        kernel=config["k"],
        norm="batch" if config["norm"] == "bn" else "layer",
        act=config["act"],
        head=config.get("dim_head"),
        window=config.get("window", 7),
    )


def _ghost_bottleneck(config: Config) -> nn.Module:
    return ghost.Bottleneck(
        *_widths(config),
        expand=config["mid"] / config["c_in"],
        kernel=config["dw_kernel"],
        stride=config["stride"],
        squeeze=config["se_ratio"] > 0,
    )


def _swin(config: Config) -> nn.Module:
    width = config["dim"]
    head = width // config["heads"]
    # the stored cases are timm's
    block = swin.Block(
        width, width, head=head, window=config["window"], shift=config["shift"], pad="after"
    )
    return ChannelsLast(block)


CONSTRUCT: dict[str, dict[str, Construct]] = {  # by file, then by the start of the case's name
    "convnext": {"block_": _convnext},
    "dynamic_conv": {"odconv_": _odconv},
    "efficientnetv2": {"fused_": _mbconv, "mbconv_": _mbconv},
    "emo_irmb": {"irmb_": _emo},
    "ghost": {
        "ghost_module": lambda c: ghost.GhostModule(*_widths(c)),
        "bottleneck": _ghost_bottleneck,
        "yolov5_ghostconv": lambda c: ghost.GhostConv(
            *_widths(c), kernel=c["kernel"], stride=c["stride"]
        ),
        "yolov5_ghostbottleneck": lambda c: ghost.GhostBottleneck(
            *_widths(c), kernel=c["kernel"], stride=c["stride"]
        ),
    },
    "mobilenetv2": {
        "ir_": lambda c: mobilenetv2.InvertedResidual(
            *_widths(c), expand=c["expand"], stride=c["stride"]
        )
    },
    "mobilenetv3": {"ir_": _mobilenetv3},
    "repvit": {
        "block_": lambda c: repvit.RepViT(c["c_in"], c["c_in"], squeeze=c["se"]),
        "unit_": lambda c: repvit.Downsample(*_widths(c), stride=2),
    },
    "shufflenetv2": {
        "unit_": lambda c: Unit(*_widths(c), stride=c["stride"]),
        "original_": lambda c: Unit(*_widths(c), stride=c["stride"], form="authors"),
    },
    "swin": {
        "block_": _swin,
        "patch_merging_": lambda c: ChannelsLast(swin.Merge(c["dim"], c["out"])),
    },
    "yolov7": {
        "repconv_": lambda c: yolov7.Rep(*_widths(c)),
        "sppcspc_": lambda c: SPPCSPC(*_widths(c)),
        "elan_": lambda c: yolov7.ELAN(*_widths(c), expansion=c["hidden"] / c["c_out"]),
        "mp_": lambda c: yolov7.MP(*_widths(c)),
        "yolov5_sppf": lambda c: SPPF(*_widths(c), kernel=c["pool"]),
    },
}
FEATURES = {  # whole backbones, by the variant that has them; tests in test_golden_backbones.py
    "yolov5s_convnext_t": ("convnext", "tiny_features"),
    "yolov5s_efficientnetv2_s": ("efficientnetv2", "v2_s_features"),
    "yolov5s_repvit_m0_9": ("repvit", "m0_9_features"),
}
MIXED = {  # operators whose stored costs include the mixing of their kernels; tests in test_mixed_kernels.py
    name: case
    for name, case in golden("dynamic_conv").items()
    if name.startswith(("condconv", "dyconv"))
}


def _blocks() -> Iterator[Case]:
    for file, prefixes in CONSTRUCT.items():
        for prefix, construct in prefixes.items():
            for name, expected in golden(file).items():
                if name.startswith(prefix):
                    yield Case(file, name, expected, construct)


BLOCKS = tuple(_blocks())


def stored_names() -> list[tuple[str, str]]:
    """File and name of every case in the folder."""
    files = [path.stem for path in sorted(GOLDEN.glob("*.json"))]
    return [(file, name) for file in files if file not in OTHER_KINDS for name in golden(file)]


def compared_names() -> list[tuple[str, str]]:
    """File and name of every case that the tests compare, each as often as they do."""
    blocks = [(case.file, case.name) for case in BLOCKS]
    return sorted([*blocks, *FEATURES.values(), *(("dynamic_conv", name) for name in MIXED)])

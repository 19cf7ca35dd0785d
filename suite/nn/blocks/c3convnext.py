"""C3 with ConvNeXt blocks in place of bottlenecks (ConvNeXt, arXiv 2201.03545, in the frame of YOLOv5's C3)."""

from torch import nn

from suite.nn.blocks.convnext import ConvNeXt
from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.csp import CrossStage


class C3ConvNeXt(CrossStage):
    """`repeat` ConvNeXt blocks on one half of the channels; the options are theirs."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        kernel: int = 7,
        expand: int = 4,
        layer_scale: float | None = 1.0,
        expansion: float = 0.5,
    ) -> None:

        def inner(width: int) -> nn.Module:
            blocks = (
                ConvNeXt(
                    width, width, make=make, kernel=kernel, expand=expand, layer_scale=layer_scale
                )
                for _ in range(repeat)
            )
            return nn.Sequential(*blocks)

        super().__init__((in_channels, out_channels), inner, make=make, expansion=expansion)

"""C3STR: Swin blocks in place of bottlenecks (Swin, arXiv 2103.14030, in the frame of YOLOv5's C3)."""

from torch import nn

from suite.nn.blocks.swin import Pad, Stage
from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.csp import CrossStage


class C3STR(CrossStage):
    """`repeat` Swin blocks on one half of the channels, every second one shifted; the options are theirs."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        head: int = 32,
        window: int = 7,
        pad: Pad = "before",
        expansion: float = 0.5,
    ) -> None:

        def inner(width: int) -> nn.Module:
            return Stage(width, width, make=make, repeat=repeat, head=head, window=window, pad=pad)

        super().__init__((in_channels, out_channels), inner, make=make, expansion=expansion)

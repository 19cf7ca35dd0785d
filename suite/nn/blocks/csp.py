"""BottleneckCSP: the cross-stage-partial block of YOLOv5 before v4.0 (CSPNet, arXiv 1911.11929)."""

import torch
from torch import Tensor, nn

from suite.nn.blocks.batchnorm import BatchNorm
from suite.nn.blocks.c3 import Bottleneck
from suite.nn.conv import PLAIN, ConvFactory


class BottleneckCSP(nn.Module):
    """`repeat` bottlenecks between two 1x1 on one half of the channels, one 1x1 on the other; a 1x1 merges both.

    The second 1x1 and the bypass are bare: norm and SiLU, whatever the model's activation, act on both halves together.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        shortcut: bool = True,
        groups: int = 1,
        expansion: float = 0.5,
    ) -> None:
        super().__init__()
        hidden = int(out_channels * expansion)
        self.reduce = make.conv_norm_act(in_channels, hidden)
        self.bypass = make.conv(in_channels, hidden)
        self.project = make.conv(hidden, hidden)
        self.merge = make.conv_norm_act(2 * hidden, out_channels)
        self.join = BatchNorm(2 * hidden, make=make)
        self.act = nn.SiLU(inplace=True)
        self.blocks = nn.Sequential(
            *(
                Bottleneck(
                    hidden, hidden, make=make, shortcut=shortcut, groups=groups, expansion=1.0
                )
                for _ in range(repeat)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        halves = torch.cat((self.project(self.blocks(self.reduce(x))), self.bypass(x)), 1)
        return self.merge(self.act(self.join(halves)))

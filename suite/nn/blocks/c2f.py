"""C2f: a cross-stage-partial block that keeps every bottleneck's output (YOLOv8, the successor of YOLOv5)."""

import torch
from torch import Tensor, nn

from suite.nn.blocks.c3 import Bottleneck
from suite.nn.conv import PLAIN, ConvFactory


class C2f(nn.Module):
    """One 1x1, parted into halves; `repeat` bottlenecks in a chain on the second; a 1x1 merges the halves and them all.

    A bottleneck has two 3x3 of one width. `shortcut` is set as in C3; YOLOv8 clears it in its neck.
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
        self.part = make.conv_norm_act(in_channels, 2 * hidden)
        self.merge = make.conv_norm_act((2 + repeat) * hidden, out_channels)
        self.blocks = nn.ModuleList(
            Bottleneck(
                hidden,
                hidden,
                make=make,
                shortcut=shortcut,
                groups=groups,
                expansion=1.0,
                kernels=(3, 3),
            )
            for _ in range(repeat)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        maps = list(self.part(x).chunk(2, 1))
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return self.merge(torch.cat(maps, 1))

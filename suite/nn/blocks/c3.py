"""C3: a cross-stage-partial block with three convolutions (YOLOv5; CSPNet, arXiv 1911.11929)."""

import torch
from torch import Tensor, nn

from suite.nn.conv import Make


class Bottleneck(nn.Module):
    """1x1 then 3x3, with a residual where `shortcut` is set and the width stays (as in arXiv 1512.03385)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: Make | None = None,
        shortcut: bool = True,
        groups: int = 1,
        expansion: float = 0.5,
    ) -> None:
        super().__init__()
        make = make or Make()
        hidden = int(out_channels * expansion)
        self.reduce = make.conv_norm_act(in_channels, hidden)
        self.mix = make.conv_norm_act(hidden, out_channels, 3, groups=groups)
        self.residual = shortcut and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        out: Tensor = self.mix(self.reduce(x))
        return x + out if self.residual else out


class C3(nn.Module):
    """`repeat` bottlenecks on one half of the channels, the other half bypasses them, a 1x1 merges both."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: Make | None = None,
        repeat: int = 1,
        shortcut: bool = True,
        groups: int = 1,
        expansion: float = 0.5,
    ) -> None:
        super().__init__()
        make = make or Make()
        hidden = int(out_channels * expansion)
        self.reduce = make.conv_norm_act(in_channels, hidden)
        self.bypass = make.conv_norm_act(in_channels, hidden)
        self.merge = make.conv_norm_act(2 * hidden, out_channels)
        self.blocks = nn.Sequential(
            *(
                Bottleneck(hidden, hidden, make=make, shortcut=shortcut, groups=groups, expansion=1.0)
                for _ in range(repeat)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        out: Tensor = self.merge(torch.cat((self.blocks(self.reduce(x)), self.bypass(x)), 1))
        return out

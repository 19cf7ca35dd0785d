"""RFB: receptive field block (Liu, Huang and Wang, ECCV 2018, arXiv 1711.07767, figure 4a)."""

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory


class RFB(nn.Module):
    """Three branches of growing kernel and dilation, merged by a 1x1 and added to a 1x1 of the input.

    The first convolutions stand for kernels of 1, 3 and 5 (the last as two of 3), a 3x3 of the branch's one of
    `rates` follows. The merged branches are scaled by `scale_branches` before the sum. Widths are the authors':
    a branch ends in a quarter of the input's.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        rates: tuple[int, int, int] = (1, 3, 5),
        scale_branches: float = 0.1,
    ) -> None:
        super().__init__()
        narrow = max(in_channels // 8, 1)
        wide, between = 2 * narrow, (3 * narrow + 1) // 2
        firsts = (
            [make.conv_norm_act(in_channels, wide)],
            [make.conv_norm_act(in_channels, narrow), make.conv_norm_act(narrow, wide, 3)],
            [
                make.conv_norm_act(in_channels, narrow),
                make.conv_norm_act(narrow, between, 3),
                make.conv_norm_act(between, wide, 3),
            ],
        )
        self.branches = nn.ModuleList(
            nn.Sequential(*first, make.conv_norm_act(wide, wide, 3, dilation=rate, act=False))
            for first, rate in zip(firsts, rates, strict=True)
        )
        self.merge = make.conv_norm_act(3 * wide, out_channels, act=False)
        self.bypass = make.conv_norm_act(in_channels, out_channels, act=False)
        self.act = make.act()
        self.scale_branches = scale_branches

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        merged = self.merge(torch.cat([branch(x) for branch in self.branches], 1))
        return self.act(self.bypass(x) + self.scale_branches * merged)

"""ASPP: atrous spatial pyramid pooling, the form of DeepLabV3 (Chen et al., 2017, arXiv 1706.05587)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct


class ASPP(nn.Module):
    """A 1x1, a 3x3 for each of the dilation `rates`, and the global mean, merged by a 1x1.

    Every branch has `hidden` channels; 0 takes half of the output's. In training a batch of one leaves the norm of
    the mean's branch as it is, and uses its running statistics: one value a channel has no variance.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        rates: tuple[int, ...] = (6, 12, 18),
        hidden: int = 0,
    ) -> None:
        super().__init__()
        hidden = hidden or out_channels // 2
        self.branches = nn.ModuleList(
            [
                make.conv_norm_act(in_channels, hidden),
                *(make.conv_norm_act(in_channels, hidden, 3, dilation=rate) for rate in rates),
            ]
        )
        self.image = ConvNormAct(
            make.conv(in_channels, hidden), _PooledNorm(hidden, eps=1e-3, momentum=0.03), make.act()
        )
        self.merge = make.conv_norm_act((len(rates) + 2) * hidden, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        maps = [branch(x) for branch in self.branches]
        image = self.image(x.mean((2, 3), keepdim=True)).expand_as(maps[0])
        return self.merge(torch.cat((*maps, image), 1))


class _PooledNorm(nn.BatchNorm2d):
    """A batch norm of maps of one pixel, which may come one at a time."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) == 1:
            mean, variance = self.running_mean, self.running_var
            return F.batch_norm(
                x, mean, variance, self.weight, self.bias, training=False, eps=self.eps
            )
        return super().forward(x)

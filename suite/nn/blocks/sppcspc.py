"""SPPCSPC: pyramid pooling in a cross-stage-partial block (YOLOv7, arXiv 2207.02696)."""

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory


class SPPCSPC(nn.Module):
    """Three convolutions, parallel pools and two convolutions on one path, a 1x1 on the other; a 1x1 merges both.

    Both paths have 2 · out · `expansion` channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernels: tuple[int, ...] = (5, 9, 13),
        expansion: float = 0.5,
    ) -> None:
        super().__init__()
        hidden = int(2 * out_channels * expansion)
        self.before = nn.Sequential(
            make.conv_norm_act(in_channels, hidden),
            make.conv_norm_act(hidden, hidden, 3),
            make.conv_norm_act(hidden, hidden),
        )
        self.pools = nn.ModuleList(
            nn.MaxPool2d(kernel, stride=1, padding=kernel // 2) for kernel in kernels
        )
        self.after = nn.Sequential(
            make.conv_norm_act((len(kernels) + 1) * hidden, hidden),
            make.conv_norm_act(hidden, hidden, 3),
        )
        self.bypass = make.conv_norm_act(in_channels, hidden)
        self.merge = make.conv_norm_act(2 * hidden, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        inner = self.before(x)
        pooled = self.after(torch.cat((inner, *(pool(inner) for pool in self.pools)), 1))
        return self.merge(torch.cat((pooled, self.bypass(x)), 1))

"""SPPF: spatial pyramid pooling with chained max pools (YOLOv5 v6.0; equal to SPP 5, 9, 13 of arXiv 1406.4729)."""

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory


class SPPF(nn.Module):
    """Halves the channels, pools three times in a row, merges all four maps by a 1x1 convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 5,
    ) -> None:
        super().__init__()
        hidden = in_channels // 2
        self.reduce = make.conv_norm_act(in_channels, hidden)
        self.merge = make.conv_norm_act(4 * hidden, out_channels)
        self.pool = nn.MaxPool2d(kernel, stride=1, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        maps = [self.reduce(x)]
        for _ in range(3):
            maps.append(self.pool(maps[-1]))
        return self.merge(torch.cat(maps, 1))

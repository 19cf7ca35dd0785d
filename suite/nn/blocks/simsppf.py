"""SimSPPF: chained pyramid pooling with ReLU (YOLOv6, arXiv 2209.02976)."""

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct


class SimSPPF(nn.Module):
    """Halves the channels, pools three times in a row, merges all four maps; ReLU whatever the model's activation."""

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
        self.reduce = ConvNormAct(
            make.conv(in_channels, hidden), make.norm(hidden), nn.ReLU(inplace=True)
        )
        self.merge = ConvNormAct(
            make.conv(4 * hidden, out_channels), make.norm(out_channels), nn.ReLU(inplace=True)
        )
        self.pool = nn.MaxPool2d(kernel, stride=1, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        maps = [self.reduce(x)]
        for _ in range(3):
            maps.append(self.pool(maps[-1]))
        return self.merge(torch.cat(maps, 1))

"""CoordAtt: coordinate attention (Hou, Zhou and Feng, CVPR 2021, arXiv 2103.02907)."""

import torch
from torch import Tensor, nn

from suite.nn.layers import ConvNormAct


class CoordAtt(nn.Module):
    """Gates every place by its row and by its column, each read from the means along the other direction.

    One 1x1 convolution of max(in / `reduction`, 8) channels with norm and hard swish serves rows and columns alike.
    """

    def __init__(self, in_channels: int, *, reduction: int = 32) -> None:
        super().__init__()
        hidden = max(in_channels // reduction, 8)
        norm = nn.BatchNorm2d(hidden, eps=1e-3, momentum=0.03)
        self.reduce = ConvNormAct(
            nn.Conv2d(in_channels, hidden, 1, bias=False), norm, nn.Hardswish()
        )
        self.rows = nn.Conv2d(hidden, in_channels, 1)
        self.columns = nn.Conv2d(hidden, in_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        height, width = x.shape[2:]
        # rows, then columns: (B, C, H + W, 1)
        means = torch.cat((x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)), 2)
        rows, columns = self.reduce(means).split((height, width), 2)
        return x * self.rows(rows).sigmoid() * self.columns(columns.transpose(2, 3)).sigmoid()

"""SPP: spatial pyramid pooling with parallel max pools (He et al., arXiv 1406.4729; in YOLOv5 before v6.0)."""

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory


class SPP(nn.Module):
    """Halves the channels, pools with each of `kernels`, merges all maps by a 1x1 convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernels: tuple[int, ...] = (5, 9, 13),
    ) -> None:
        super().__init__()
        hidden = in_channels // 2
        self.reduce = make.conv_norm_act(in_channels, hidden)
        self.merge = make.conv_norm_act((len(kernels) + 1) * hidden, out_channels)
        self.pools = nn.ModuleList(
            nn.MaxPool2d(kernel, stride=1, padding=kernel // 2) for kernel in kernels
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        x = self.reduce(x)
        return self.merge(torch.cat((x, *(pool(x) for pool in self.pools)), 1))

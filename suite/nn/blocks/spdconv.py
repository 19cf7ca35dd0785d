"""SPD-Conv: no strided convolution (Sunkara and Luo, ECML PKDD 2022, arXiv 2208.03641)."""

import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.layers import fold_norm


class SPDConv(nn.Module):
    """Space to depth, then a convolution of stride 1: what a stride would skip becomes channels instead.

    The `padding` is the one that keeps the resolution of the smaller map. With a stride of 1 it is the convolution
    that it replaces. YOLOv5's 6x6 stem of stride 2 is a 3x3 SPD-Conv already, written as one kernel.

    Maps (B, in, H, W) to (B, out, H / stride, W / stride); H and W must be multiples of the stride.
    """

    def __init__(  # noqa: PLR0917  (an operator is called as the convolution that it replaces)
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.scale = stride
        self.conv = nn.Conv2d(
            in_channels * stride**2,
            out_channels,
            kernel,
            1,
            padding,
            dilation=dilation,
            groups=groups,
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        out: Tensor = self.conv(F.pixel_unshuffle(x, self.scale))
        return out

    def folded(self, norm: nn.Module) -> nn.Module:
        """The same with a convolution that does the work of the batch norm `norm` too."""
        assert isinstance(norm, nn.BatchNorm2d)
        return nn.Sequential(nn.PixelUnshuffle(self.scale), fold_norm(self.conv, norm))

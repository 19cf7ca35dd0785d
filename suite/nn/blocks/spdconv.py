"""SPD-Conv: no strided convolution (Sunkara and Luo, ECML PKDD 2022, arXiv 2208.03641)."""

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.layers import fold_norm
from suite.nn.operators import ConvShape, takes_place_of_conv


class SPDConv(nn.Module):
    """Space to depth, then a convolution of stride 1: what a stride would skip becomes channels instead.

    The `padding` is the one that keeps the resolution of the smaller map. With a stride of 1 it is the convolution
    that it replaces. YOLOv5's 6x6 stem of stride 2 is a 3x3 SPD-Conv already, written as one kernel.

    Maps (B, in, H, W) to (B, out, H / stride, W / stride); H and W must be multiples of the stride.
    """

    @takes_place_of_conv()
    def __init__(
        self,
        shape: ConvShape,
    ) -> None:
        super().__init__()
        self.scale = shape.stride
        self.conv = replace(shape, in_channels=shape.in_channels * shape.stride**2, stride=1).conv()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.conv(F.pixel_unshuffle(x, self.scale))

    def folded(self, norm: nn.BatchNorm2d) -> nn.Module:
        """The same with a convolution that does the work of the batch norm `norm` too."""
        return nn.Sequential(nn.PixelUnshuffle(self.scale), fold_norm(self.conv, norm))

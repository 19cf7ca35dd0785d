"""Depthwise convolution as an operator (YOLOv5's DWConv; MobileNets, arXiv 1704.04861)."""

import math
from dataclasses import replace

from torch import Tensor, nn

from suite.nn.layers import fold_norm
from suite.nn.operators import ConvShape, takes_place_of_conv


class DWConv(nn.Module):
    """A convolution with as many groups as both widths allow: their greatest common divisor.

    Maps (B, in, H, W) to what a convolution of this kernel, stride, padding and dilation gives.
    """

    @takes_place_of_conv()
    def __init__(
        self,
        shape: ConvShape,
    ) -> None:
        super().__init__()
        groups = math.gcd(shape.in_channels, shape.out_channels)
        self.conv = replace(shape, groups=groups).conv()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        return self.conv(x)

    def folded(self, norm: nn.BatchNorm2d) -> nn.Conv2d:
        """One convolution that does the work of the batch norm `norm` too."""
        return fold_norm(self.conv, norm)

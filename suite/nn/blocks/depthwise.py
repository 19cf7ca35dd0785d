"""Depthwise convolution as an operator (YOLOv5's DWConv; MobileNets, arXiv 1704.04861)."""

import math

from torch import Tensor, nn

from suite.nn.layers import fold_norm


class DWConv(nn.Module):
    """A convolution with as many groups as both widths allow: their greatest common divisor.

    Maps (B, in, H, W) to what a convolution of this kernel, stride, padding and dilation gives.
    """

    def __init__(  # noqa: PLR0917  (an operator is called as the convolution that it replaces)
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,  # noqa: ARG002  (the operator brings its own)
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride,
            padding,
            dilation=dilation,
            groups=math.gcd(in_channels, out_channels),
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        out: Tensor = self.conv(x)
        return out

    def folded(self, norm: nn.Module) -> nn.Conv2d:
        """One convolution that does the work of the batch norm `norm` too."""
        assert isinstance(norm, nn.BatchNorm2d)
        return fold_norm(self.conv, norm)

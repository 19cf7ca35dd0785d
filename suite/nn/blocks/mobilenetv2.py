"""MobileNetV2's blocks (Sandler et al., CVPR 2018, arXiv 1801.04381): ReLU6, norms of eps 1e-5."""

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct
from suite.nn.mobile import conv_norm


class Conv(ConvNormAct):
    """Convolution, norm, ReLU6: the network's first layer. (B, in, H, W) to (B, out, H / stride, W / stride)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 1,
        stride: int = 1,
    ) -> None:
        conv = make.conv(in_channels, out_channels, kernel, stride)
        super().__init__(conv, nn.BatchNorm2d(out_channels), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    """1x1 to `expand` times the width, depthwise 3x3, linear 1x1; with `expand` 1 there is no first 1x1.

    Residual where stride is 1 and the width stays.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        expand: int,
        make: ConvFactory = PLAIN,
        stride: int = 1,
    ) -> None:
        super().__init__()
        hidden = expand * in_channels
        self.expand = (
            conv_norm(make, in_channels, hidden, act=nn.ReLU6(inplace=True))
            if expand > 1
            else nn.Identity()
        )
        self.mix = conv_norm(
            make, hidden, hidden, 3, stride, groups=hidden, act=nn.ReLU6(inplace=True)
        )
        self.project = conv_norm(make, hidden, out_channels)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        out: Tensor = self.project(self.mix(self.expand(x)))
        return x + out if self.residual else out

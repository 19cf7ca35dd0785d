"""YOLOv5's convolution layer: convolution, batch norm, SiLU (Jocher et al., YOLOv5 v6.0)."""

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct


class Conv(ConvNormAct):
    """One convolution with norm and activation; `padding` defaults to the one that keeps the resolution.

    Maps (B, in, H, W) to (B, out, H / stride, W / stride).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 1,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
    ) -> None:
        conv = make.conv(in_channels, out_channels, kernel, stride, padding=padding, groups=groups)
        super().__init__(conv, make.norm(out_channels), make.act())

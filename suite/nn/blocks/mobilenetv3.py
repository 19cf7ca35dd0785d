"""MobileNetV3's blocks (Howard et al., ICCV 2019, arXiv 1905.02244). The norm's eps of 1e-3 is the paper's too."""

from typing import Literal

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct, SqueezeExcite
from suite.nn.mobile import rounded

ACTIVATIONS = {"relu": nn.ReLU, "hardswish": nn.Hardswish}


class Conv(ConvNormAct):
    """Convolution, norm, hard swish: the network's first layer and its last.

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
    ) -> None:
        conv = make.conv(in_channels, out_channels, kernel, stride)
        super().__init__(conv, make.norm(out_channels), nn.Hardswish(inplace=True))


class InvertedResidual(nn.Module):
    """1x1 to `expand` times the width, depthwise `kernel` x `kernel`, squeeze-excite, linear 1x1; residual.

    The expanded width is rounded to a multiple of 8, so the paper's 88 out of 24 is `expand: 3.67`; with `expand` 1
    there is no first 1x1. The squeeze is a quarter of the expanded width, stands after the activation and has a hard
    sigmoid as its gate. Residual where stride is 1 and the width stays.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        expand: float,
        make: ConvFactory = PLAIN,
        stride: int = 1,
        kernel: int = 3,
        squeeze: bool = False,
        act: Literal["relu", "hardswish"] = "relu",
    ) -> None:
        super().__init__()
        hidden = rounded(expand * in_channels, 8) if expand != 1 else in_channels
        activation = ACTIVATIONS[act]
        first = make.conv(in_channels, hidden) if expand != 1 else None
        self.expand = (
            ConvNormAct(first, make.norm(hidden), activation(inplace=True))
            if first
            else nn.Identity()
        )
        mix = make.conv(hidden, hidden, kernel, stride, groups=hidden)
        self.mix = ConvNormAct(mix, make.norm(hidden), activation(inplace=True))
        self.squeeze = (
            SqueezeExcite(hidden, rounded(hidden / 4, 8), gate=nn.Hardsigmoid)
            if squeeze
            else nn.Identity()
        )
        self.project = make.conv_norm_act(hidden, out_channels, act=False)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        out: Tensor = self.project(self.squeeze(self.mix(self.expand(x))))
        return x + out if self.residual else out

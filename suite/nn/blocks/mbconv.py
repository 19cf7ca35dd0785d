"""MBConv and Fused-MBConv, the blocks of EfficientNetV2 (Tan and Le, ICML 2021, arXiv 2104.00298)."""

from typing import Literal

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import DropPath, SqueezeExcite

ACTIVATIONS = {"silu": nn.SiLU, "relu": nn.ReLU}


class MBConv(nn.Module):
    """1x1 to `expand` times the width, depthwise `kernel` x `kernel`, squeeze-excite, linear 1x1; residual.

    The squeeze is `squeeze` of the width of the block's *input*, not of the expanded one (0: no squeeze-excite).
    Residual where stride is 1 and the width stays. `linear: false` puts an activation after the projection, and
    `squeeze_act: relu` another one into the squeeze: neither is in the paper, both are in circulating listings.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        expand: int,
        make: ConvFactory = PLAIN,
        stride: int = 1,
        kernel: int = 3,
        squeeze: float = 0.25,
        squeeze_act: Literal["silu", "relu"] = "silu",
        linear: bool = True,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        hidden = expand * in_channels
        self.expand = make.conv_norm_act(in_channels, hidden) if expand > 1 else nn.Identity()
        self.mix = make.conv_norm_act(hidden, hidden, kernel, stride, groups=hidden)
        squeezed = max(int(in_channels * squeeze), 1)
        self.squeeze = (
            SqueezeExcite(hidden, squeezed, act=ACTIVATIONS[squeeze_act])
            if squeeze
            else nn.Identity()
        )
        self.project = make.conv_norm_act(hidden, out_channels, act=not linear)
        self.drop_path = DropPath(drop_path)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        out: Tensor = self.project(self.squeeze(self.mix(self.expand(x))))
        return _joined(self, x, out)


class FusedMBConv(nn.Module):
    """`kernel` x `kernel` to `expand` times the width, then a linear 1x1; residual as in `MBConv`.

    With `expand` 1 it is one convolution, and that one has an activation. `linear: false` as in `MBConv`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        expand: int,
        make: ConvFactory = PLAIN,
        stride: int = 1,
        kernel: int = 3,
        linear: bool = True,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        hidden = expand * in_channels if expand > 1 else out_channels
        self.mix = make.conv_norm_act(in_channels, hidden, kernel, stride)
        self.project = (
            make.conv_norm_act(hidden, out_channels, act=not linear)
            if expand > 1
            else nn.Identity()
        )
        self.drop_path = DropPath(drop_path)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        out: Tensor = self.project(self.mix(x))
        return _joined(self, x, out)


def _joined(block: MBConv | FusedMBConv, x: Tensor, out: Tensor) -> Tensor:
    """The branch's output, plus the input where the block has a residual; only then may the branch be dropped."""
    return x + block.drop_path(out) if block.residual else out

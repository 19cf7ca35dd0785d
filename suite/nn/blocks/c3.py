"""C3: a cross-stage-partial block with three convolutions (YOLOv5; CSPNet, arXiv 1911.11929)."""

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.csp import CrossStage


class Bottleneck(nn.Module):
    """1x1 then 3x3, or other `kernels`; a residual where `shortcut` is set and the width stays (arXiv 1512.03385)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        shortcut: bool = True,
        groups: int = 1,
        expansion: float = 0.5,
        kernels: tuple[int, int] = (1, 3),
    ) -> None:
        super().__init__()
        hidden = int(out_channels * expansion)
        self.reduce = make.conv_norm_act(in_channels, hidden, kernels[0])
        self.mix = make.conv_norm_act(hidden, out_channels, kernels[1], groups=groups)
        self.residual = shortcut and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        out: Tensor = self.mix(self.reduce(x))
        return x + out if self.residual else out


class C3(CrossStage):
    """`repeat` bottlenecks on one half of the channels, the other half bypasses them, a 1x1 merges both."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        shortcut: bool = True,
        groups: int = 1,
        expansion: float = 0.5,
    ) -> None:

        def inner(width: int) -> nn.Module:
            bottlenecks = (
                Bottleneck(width, width, make=make, shortcut=shortcut, groups=groups, expansion=1.0)
                for _ in range(repeat)
            )
            return nn.Sequential(*bottlenecks)

        super().__init__((in_channels, out_channels), inner, make=make, expansion=expansion)

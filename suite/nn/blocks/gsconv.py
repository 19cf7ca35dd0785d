"""GSConv and VoVGSCSP: the slim neck (Li et al., 2022, arXiv 2206.02424)."""

import torch
from torch import Tensor, nn

from suite.nn.blocks.ghost import GhostConv
from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.csp import CrossStage


class GSConv(GhostConv):
    """YOLOv5's ghost convolution, half of the channels from the other half by a depthwise 5x5, then a shuffle.

    Both halves have norm and activation of their own, so it replaces YOLOv5's `conv.Conv`, not a bare convolution.

    Raises:
        ValueError: the width out is odd.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 1,
        stride: int = 1,
        act: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, make=make, kernel=kernel, stride=stride, act=act
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        both = super().forward(x)
        # the authors' shuffle: even channels, then odd ones
        return torch.cat((both[:, ::2], both[:, 1::2]), 1)


class VoVGSCSP(CrossStage):
    """`repeat` bottlenecks of GSConv in the frame of C3. The authors' unused 3x3 is left out."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        expansion: float = 0.5,
    ) -> None:

        def inner(width: int) -> nn.Module:
            return nn.Sequential(*(GSBottleneck(width, make=make) for _ in range(repeat)))

        super().__init__((in_channels, out_channels), inner, make=make, expansion=expansion)


class GSBottleneck(nn.Module):
    """GSConv 1x1, GSConv 3x3 without activation, plus a 1x1 of the input."""

    def __init__(self, width: int, *, make: ConvFactory) -> None:
        super().__init__()
        self.first = GSConv(width, width, make=make)
        self.second = GSConv(width, width, make=make, kernel=3, act=False)
        self.bypass = make.conv_norm_act(width, width, act=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return self.second(self.first(x)) + self.bypass(x)

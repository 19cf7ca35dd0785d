"""FasterNet: a convolution on a quarter of the channels, then an MLP (Chen et al., CVPR 2023, arXiv 2303.03667)."""

from typing import Literal

import torch
from torch import Tensor, nn

from suite.nn.conv import Make
from suite.nn.layers import ConvNormAct, DropPath
from suite.nn.mobile import conv_norm

ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU}


class Merge(ConvNormAct):
    """A `stride` x `stride` convolution of that stride with norm, no activation: the stem (4), between stages (2).

    Maps (B, in, H, W) to (B, out, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, out_channels: int, *, make: Make | None = None, stride: int = 2) -> None:
        conv = (make or Make()).conv(in_channels, out_channels, stride, stride, padding=0)
        super().__init__(conv, nn.BatchNorm2d(out_channels), nn.Identity())


class PConv(nn.Module):
    """Partial convolution: the first `1 / divisor` of the channels is convolved, the others pass as they are.

    Raises:
        ValueError: the widths in and out differ, or there are fewer channels than `divisor`.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, make: Make | None = None, kernel: int = 3, divisor: int = 4
    ) -> None:
        super().__init__()
        if in_channels != out_channels:
            raise ValueError(f"keeps its width, but has {in_channels} channels in and {out_channels} out")
        self.part = in_channels // divisor
        if self.part == 0:
            raise ValueError(f"convolves 1/{divisor} of its channels, but there are only {in_channels}")
        self.conv = (make or Make()).conv(self.part, self.part, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return torch.cat((self.conv(x[:, : self.part]), x[:, self.part :]), 1)


class FasterNet(nn.Module):
    """Partial 3x3 convolution, 1x1 to `expand` times the width, norm, activation, 1x1 back; residual.

    T0 and T1 have GELU, the larger networks ReLU.

    Raises:
        ValueError: the widths in and out differ.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: Make | None = None,
        expand: int = 2,
        divisor: int = 4,
        act: Literal["gelu", "relu"] = "relu",
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        make = make or Make()
        self.mix = PConv(in_channels, out_channels, make=make, divisor=divisor)
        self.expand = conv_norm(make, in_channels, expand * in_channels, act=ACTIVATIONS[act]())
        self.project = make.conv(expand * in_channels, out_channels)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        out: Tensor = self.drop_path(self.project(self.expand(self.mix(x))))
        return x + out

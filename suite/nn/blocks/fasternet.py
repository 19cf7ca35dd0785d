"""FasterNet: a convolution on a quarter of the channels, then an MLP (Chen et al., CVPR 2023, arXiv 2303.03667)."""

import copy
from typing import Literal

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct, DropPath, norm_as_affine, require_same_width
from suite.nn.mobile import conv_norm
from suite.nn.operators import ConvShape, takes_place_of_conv

ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU}


class Merge(ConvNormAct):
    """A `stride` x `stride` convolution of that stride with norm, no activation: the stem (4), between stages (2).

    Maps (B, in, H, W) to (B, out, H / stride, W / stride).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 2,
    ) -> None:
        conv = make.patches(in_channels, out_channels, stride, bias=False)
        super().__init__(conv, nn.BatchNorm2d(out_channels), nn.Identity())


class PConv(nn.Module):
    """Partial convolution: the first `1 / divisor` of the channels is convolved, the others pass as they are.

    Takes the place of a convolution that keeps width and resolution.

    Raises:
        ValueError: it is to change the width or the resolution, to have groups, or has fewer channels than `divisor`.
    """

    @takes_place_of_conv(kernel=3, padding=1)
    def __init__(
        self,
        shape: ConvShape,
        *,
        make: ConvFactory = PLAIN,
        divisor: int = 4,
    ) -> None:
        super().__init__()
        require_same_width(shape.in_channels, shape.out_channels)
        if shape.stride != 1 or 2 * shape.padding != shape.dilation * (shape.kernel - 1):
            raise ValueError(
                f"keeps the resolution, but has kernel {shape.kernel}, stride {shape.stride}, "
                f"padding {shape.padding}, dilation {shape.dilation}"
            )
        if shape.groups != 1:
            raise ValueError(f"is a convolution of one group, but is to have {shape.groups}")
        self.part = shape.in_channels // divisor
        if self.part == 0:
            raise ValueError(
                f"convolves 1/{divisor} of its channels, but there are only {shape.in_channels}"
            )
        self.conv = make.conv(
            self.part,
            self.part,
            shape.kernel,
            padding=shape.padding,
            dilation=shape.dilation,
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return torch.cat((self.conv(x[:, : self.part]), x[:, self.part :]), 1)

    def folded(self, norm: nn.BatchNorm2d) -> nn.Module:
        """This operator followed by the batch norm `norm`, in evaluation; itself and the norm if an edit is inside."""
        if not isinstance(self.conv, nn.Conv2d):
            return nn.Sequential(self, norm)
        return _FoldedPConv(self.conv, norm_as_affine(norm))


class _FoldedPConv(nn.Module):
    """A partial convolution with a norm folded in: γ/σ and the rest go into the kernel, and over the other channels."""

    def __init__(self, conv: nn.Conv2d, affine: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.part = conv.out_channels
        scale, shift = affine
        self.conv = copy.deepcopy(conv)
        self.conv.weight.data *= scale[: self.part, None, None, None]
        self.conv.bias = nn.Parameter(shift[: self.part])
        self.scale = nn.Parameter(scale[self.part :, None, None])
        self.shift = nn.Parameter(shift[self.part :, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        passed = torch.addcmul(self.shift, x[:, self.part :], self.scale)
        return torch.cat((self.conv(x[:, : self.part]), passed), 1)


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
        make: ConvFactory = PLAIN,
        expand: int = 2,
        divisor: int = 4,
        act: Literal["gelu", "relu"] = "relu",
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.mix = PConv(in_channels, out_channels, make=make, divisor=divisor)
        self.expand = conv_norm(make, in_channels, expand * in_channels, act=ACTIVATIONS[act]())
        self.project = make.conv(expand * in_channels, out_channels)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        out: Tensor = self.drop_path(self.project(self.expand(self.mix(x))))
        return x + out

"""Ghost modules: half of the maps are cheap views of the other half (Han et al., CVPR 2020, arXiv 1911.11907).

Two families: GhostNet's own (`Stem`, `GhostModule`, `Bottleneck`: ReLU, 3x3 views, eps 1e-5) and YOLOv5's
(`GhostConv`, `GhostBottleneck`, `C3Ghost`: SiLU, 5x5 views, eps 1e-3), which is another block of the same idea.
"""

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.csp import CrossStage
from suite.nn.layers import ConvNormAct, SqueezeExcite, require_same_width
from suite.nn.mobile import conv_norm, rounded


class Stem(ConvNormAct):
    """GhostNet's first layer: a 3x3 convolution with norm and ReLU.

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
        conv = make.conv(in_channels, out_channels, 3, stride)
        super().__init__(conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


class GhostModule(nn.Module):
    """A 1x1 makes half of the channels, a depthwise 3x3 of those makes the rest; ReLUs unless `act` is off."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        act: bool = True,
    ) -> None:
        super().__init__()
        half = (out_channels + 1) // 2
        self.primary = conv_norm(
            make, in_channels, half, act=nn.ReLU(inplace=True) if act else None
        )
        self.cheap = conv_norm(
            make, half, half, 3, groups=half, act=nn.ReLU(inplace=True) if act else None
        )
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        primary = self.primary(x)
        return torch.cat((primary, self.cheap(primary)), 1)[:, : self.out_channels]


class Bottleneck(nn.Module):
    """GhostNet's: a ghost module to `expand` times the width, a depthwise if it strides, a linear one back.

    The expanded width and the squeeze (a quarter of it, gated by a hard sigmoid) are rounded to multiples of 4. The
    shortcut is the identity, or a depthwise and a 1x1 where the width or the resolution changes.
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
    ) -> None:
        super().__init__()
        hidden = rounded(expand * in_channels, 4)
        self.widen = GhostModule(in_channels, hidden, make=make)
        self.mix = (
            conv_norm(make, hidden, hidden, kernel, stride, groups=hidden)
            if stride > 1
            else nn.Identity()
        )
        self.squeeze = (
            SqueezeExcite(hidden, rounded(hidden / 4, 4), gate=nn.Hardsigmoid)
            if squeeze
            else nn.Identity()
        )
        self.project = GhostModule(hidden, out_channels, make=make, act=False)
        self.shortcut = nn.Sequential()
        if stride > 1 or in_channels != out_channels:
            self.shortcut.append(
                conv_norm(make, in_channels, in_channels, kernel, stride, groups=in_channels)
            )
            self.shortcut.append(conv_norm(make, in_channels, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.project(self.squeeze(self.mix(self.widen(x)))) + self.shortcut(x)


class GhostConv(nn.Module):
    """YOLOv5's: a convolution makes half of the channels, a depthwise 5x5 of those makes the other half.

    Raises:
        ValueError: an odd number of channels out.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        super().__init__()
        if out_channels % 2:
            raise ValueError(f"its width must be even, but {out_channels} channels go out")
        half = out_channels // 2
        self.primary = make.conv_norm_act(in_channels, half, kernel, stride, groups=groups, act=act)
        self.cheap = make.conv_norm_act(half, half, 5, groups=half, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        primary = self.primary(x)
        return torch.cat((primary, self.cheap(primary)), 1)


class GhostBottleneck(nn.Module):
    """YOLOv5's: a 1x1 `GhostConv` to half of the width, a depthwise if it strides, a linear `GhostConv`, shortcut.

    Raises:
        ValueError: a change of width without a stride.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 3,
        stride: int = 1,
    ) -> None:
        super().__init__()
        if stride == 1:
            require_same_width(in_channels, out_channels, keeps="its width at stride 1")
        hidden = out_channels // 2
        self.reduce = GhostConv(in_channels, hidden, make=make)
        self.mix: nn.Module = nn.Identity()
        if stride > 1:
            self.mix = make.conv_norm_act(hidden, hidden, kernel, stride, groups=hidden, act=False)
        self.project = GhostConv(hidden, out_channels, make=make, act=False)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.append(
                make.conv_norm_act(
                    in_channels, in_channels, kernel, stride, groups=in_channels, act=False
                )
            )
            self.shortcut.append(make.conv_norm_act(in_channels, out_channels, act=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.project(self.mix(self.reduce(x))) + self.shortcut(x)


class C3Ghost(CrossStage):
    """YOLOv5's ghost bottlenecks, always with their shortcut, in the frame of C3. (B, in, H, W) to (B, out, H, W)."""

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
            return nn.Sequential(*(GhostBottleneck(width, width, make=make) for _ in range(repeat)))

        super().__init__((in_channels, out_channels), inner, make=make, expansion=expansion)

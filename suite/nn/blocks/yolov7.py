"""YOLOv7: ELAN, its wide form, the transition and the re-parameterised layer (Wang et al., arXiv 2207.02696)."""

import torch
from torch import Tensor, nn

from suite.nn.blocks.repconv import RepConv
from suite.nn.conv import PLAIN, ConvFactory


class ELAN(nn.Module):
    """Two 1x1 of the input and two pairs of 3x3 behind the second; a 1x1 merges both and the end of each pair.

    All of them have out · `expansion` channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        expansion: float = 0.25,
    ) -> None:
        super().__init__()
        hidden = int(out_channels * expansion)
        self.bypass = make.conv_norm_act(in_channels, hidden)
        self.reduce = make.conv_norm_act(in_channels, hidden)
        self.pairs = nn.ModuleList(
            nn.Sequential(
                make.conv_norm_act(hidden, hidden, 3), make.conv_norm_act(hidden, hidden, 3)
            )
            for _ in range(2)
        )
        self.merge = make.conv_norm_act(4 * hidden, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        maps = [self.bypass(x), self.reduce(x)]
        for pair in self.pairs:
            maps.append(pair(maps[-1]))
        return self.merge(torch.cat(maps[::-1], 1))


class ELANW(nn.Module):
    """ELAN's form for the neck: two 1x1 as wide as the output, four 3x3 of half of that; a 1x1 merges all six."""

    def __init__(self, in_channels: int, out_channels: int, *, make: ConvFactory = PLAIN) -> None:
        super().__init__()
        half = out_channels // 2
        self.bypass = make.conv_norm_act(in_channels, out_channels)
        self.reduce = make.conv_norm_act(in_channels, out_channels)
        widths = (out_channels, half, half, half)
        self.chain = nn.ModuleList(make.conv_norm_act(width, half, 3) for width in widths)
        self.merge = make.conv_norm_act(2 * out_channels + 4 * half, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        maps = [self.bypass(x), self.reduce(x)]
        for conv in self.chain:
            maps.append(conv(maps[-1]))
        return self.merge(torch.cat(maps[::-1], 1))


class Rep(nn.Module):
    """RepConv and the activation, without a norm between them; 3x3 of stride 1."""

    def __init__(self, in_channels: int, out_channels: int, *, make: ConvFactory = PLAIN) -> None:
        super().__init__()
        self.operator = RepConv(in_channels, out_channels)
        self.act = make.act()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        return self.act(self.operator(x))


class MP(nn.Module):
    """Halves the resolution: one half of the channels by a 3x3 of stride 2, the other by max pooling.

    Raises:
        ValueError: the stride is not 2.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 2,
    ) -> None:
        super().__init__()
        if stride != 2:
            raise ValueError(f"halves the resolution, but the stride is {stride}; it must be 2")
        half = out_channels // 2
        self.stride_branch = nn.Sequential(
            make.conv_norm_act(in_channels, half), make.conv_norm_act(half, half, 3, stride=2)
        )
        self.pool_branch = nn.Sequential(nn.MaxPool2d(2), make.conv_norm_act(in_channels, half))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / 2, W / 2)."""
        return torch.cat((self.stride_branch(x), self.pool_branch(x)), 1)

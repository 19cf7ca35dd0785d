"""ShuffleNetV2's stem and unit (Ma et al., ECCV 2018, arXiv 1807.11164): half of the channels passes by.

Two forms circulate, which differ in parameters; `form` chooses. The paper's figure, as torchvision builds it, shuffles
after every unit, and both branches of a stride-2 unit make half of the channels. The authors' code shuffles before
every stride-1 unit, and in a stride-2 unit one branch keeps its channels while the other makes the rest.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import require_same_width
from suite.nn.mobile import conv_norm


class Stem(nn.Module):
    """A 3x3 convolution of stride 2 with norm and ReLU, then a 3x3 max pool of stride 2.

    Raises:
        ValueError: the stride is not 4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 4,
    ) -> None:
        super().__init__()
        if stride != 4:
            raise ValueError(
                f"halves the resolution twice, but the stride is {stride}; it must be 4"
            )
        self.conv = conv_norm(make, in_channels, out_channels, 3, 2, act=nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / 4, W / 4)."""
        return self.pool(self.conv(x))


class Unit(nn.Module):
    """Two branches, of which with stride 1 one is the identity; their channels are then interleaved.

    Raises:
        ValueError: an odd number of channels, or a change of width without a stride.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 1,
        form: Literal["torchvision", "authors"] = "torchvision",
    ) -> None:
        super().__init__()
        if stride == 1:
            require_same_width(in_channels, out_channels, keeps="its width at stride 1")
        if out_channels % 2:
            raise ValueError(
                f"halves its channels, but there are {out_channels}; the number must be even"
            )
        half = out_channels // 2
        entering = in_channels if stride > 1 else half
        kept = in_channels if form == "authors" else half
        self.side = _side(make, in_channels, kept, stride) if stride > 1 else nn.Identity()
        leaving = out_channels - kept if stride > 1 else half
        self.main = nn.Sequential(
            conv_norm(make, entering, half, act=nn.ReLU(inplace=True)),
            conv_norm(make, half, half, 3, stride, groups=half),
            conv_norm(make, half, leaving, act=nn.ReLU(inplace=True)),
        )
        self.splits = stride == 1
        self.shuffles_first = form == "authors"

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        if self.shuffles_first:
            side, main = (x[:, ::2], x[:, 1::2]) if self.splits else (x, x)
            return torch.cat((self.side(side), self.main(main)), 1)
        side, main = x.chunk(2, 1) if self.splits else (x, x)
        # stacked and flattened is concatenated and shuffled in two groups
        return torch.stack((self.side(side), self.main(main)), 2).flatten(1, 2)


def _side(make: ConvFactory, in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        conv_norm(make, in_channels, in_channels, 3, stride, groups=in_channels),
        conv_norm(make, in_channels, out_channels, act=nn.ReLU(inplace=True)),
    )

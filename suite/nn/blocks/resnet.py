"""ResNet (He et al., CVPR 2016, arXiv 1512.03385) and ResNeXt (Xie et al., CVPR 2017, arXiv 1611.05431).

The stride is in the 3x3 and not in the first 1x1 (the "v1.5" that torchvision, timm and the ConvNeXt paper count from).
Every norm has torch's eps of 1e-5.
"""

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.mobile import conv_norm


class Stem(nn.Module):
    """7x7 of stride 2, norm, ReLU and a 3x3 max pool of stride 2; without `pool` one overlapping 7x7 of stride 4.

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
        pool: bool = True,
    ) -> None:
        super().__init__()
        if stride != 4:
            raise ValueError(
                f"takes a quarter of the resolution, but the stride is {stride}; it must be 4"
            )
        self.conv = conv_norm(
            make, in_channels, out_channels, 7, 2 if pool else 4, act=nn.ReLU(inplace=True)
        )
        self.pool = nn.MaxPool2d(3, 2, padding=1) if pool else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / 4, W / 4)."""
        return self.pool(self.conv(x))


class Bottleneck(nn.Module):
    """1x1 to `width` times the output, 3x3 in `groups`, 1x1; plus the input, by a 1x1 where the shape changes; ReLU.

    `width` 0.25 is ResNet's; 0.5 in 32 groups is ResNeXt-50 32x4d.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 1,
        width: float = 0.25,
        groups: int = 1,
    ) -> None:
        super().__init__()
        hidden = round(width * out_channels)
        same = stride == 1 and in_channels == out_channels
        self.reduce = conv_norm(make, in_channels, hidden, act=nn.ReLU(inplace=True))
        self.mix = conv_norm(
            make, hidden, hidden, 3, stride, groups=groups, act=nn.ReLU(inplace=True)
        )
        self.expand = conv_norm(make, hidden, out_channels)
        self.shortcut = (
            nn.Identity() if same else conv_norm(make, in_channels, out_channels, 1, stride)
        )
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        branch = self.expand(self.mix(self.reduce(x)))
        return self.act(self.shortcut(x) + branch)

"""RepViT: a mobile ViT's macro design in convolutions (Wang et al., CVPR 2024, arXiv 2307.09283).

Every norm has the authors' eps of 1e-5. Nothing stands between the token mixer and the channel mixer. Trained with
parallel branches; `deployed()` merges each token mixer into one depthwise convolution, exactly.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import SqueezeExcite, fold_norm, require_same_width
from suite.nn.mobile import conv_norm


class Stem(nn.Module):
    """Two 3x3 convolutions of stride 2 with a GELU between them, by way of half the width."""

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
        self.first = conv_norm(make, in_channels, out_channels // 2, 3, 2, act=nn.GELU())
        self.second = conv_norm(make, out_channels // 2, out_channels, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / 4, W / 4)."""
        return self.second(self.first(x))


class RepViT(nn.Module):
    """Token mixer (three depthwise branches), squeeze-excite if asked for, channel mixer. Keeps width and resolution.

    Raises:
        ValueError: the widths in and out differ.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        squeeze: bool = False,
    ) -> None:
        super().__init__()
        require_same_width(in_channels, out_channels)
        self.tokens = TokenMixer(in_channels, make=make)
        self.squeeze = (
            SqueezeExcite(in_channels, _squeezed(in_channels)) if squeeze else nn.Identity()
        )
        self.channels = ChannelMixer(in_channels, make=make)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return self.channels(self.squeeze(self.tokens(x)))


class Stage(nn.Sequential):
    """`repeat` blocks, of which the first, third, fifth, ... have squeeze-excite.

    Maps (B, C, H, W) to the same shape.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
    ) -> None:
        blocks = (
            RepViT(in_channels, out_channels, make=make, squeeze=i % 2 == 0) for i in range(repeat)
        )
        super().__init__(*blocks)


class Downsample(nn.Module):
    """Depthwise 3x3 of stride 2, 1x1 to the new width, channel mixer."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 2,
    ) -> None:
        super().__init__()
        self.tokens = conv_norm(make, in_channels, in_channels, 3, stride, groups=in_channels)
        self.widen = conv_norm(make, in_channels, out_channels)
        self.channels = ChannelMixer(out_channels, make=make)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.channels(self.widen(self.tokens(x)))


class TokenMixer(nn.Module):
    """norm(norm(depthwise 3x3) + depthwise 1x1 + identity), the form of RepVGG (arXiv 2101.03697)."""

    def __init__(self, channels: int, *, make: ConvFactory) -> None:
        super().__init__()
        self.wide = conv_norm(make, channels, channels, 3, groups=channels)
        self.point = make.conv(channels, channels, groups=channels, bias=True)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return self.norm(self.wide(x) + self.point(x) + x)

    def deployed(self) -> nn.Module:
        """One depthwise 3x3: the inner norm folded, the branches added to the centre, then the outer norm folded."""
        wide, norm, point = self.wide.conv, self.wide.norm, self.point
        if not (
            isinstance(wide, nn.Conv2d)
            and isinstance(norm, nn.BatchNorm2d)
            and isinstance(point, nn.Conv2d)
        ):
            return self
        merged = fold_norm(wide, norm)
        assert merged.bias is not None
        assert point.bias is not None
        merged.weight.data += F.pad(point.weight.detach() + 1, (1, 1, 1, 1))
        merged.bias.data += point.bias.detach()
        return fold_norm(merged, self.norm)


class ChannelMixer(nn.Module):
    """x + norm(1x1(GELU(norm(1x1 to twice the width)))); the last norm starts at zero, so the sum starts as x."""

    def __init__(self, channels: int, *, make: ConvFactory) -> None:
        super().__init__()
        self.expand = conv_norm(make, channels, 2 * channels, act=nn.GELU())
        self.project = conv_norm(make, 2 * channels, channels)
        last = self.project.norm
        assert isinstance(last, nn.BatchNorm2d)
        nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        out: Tensor = self.project(self.expand(x))
        return x + out


def _squeezed(channels: int) -> int:
    """A quarter of the width, to the nearest multiple of 8."""
    return max((channels // 4 + 4) // 8 * 8, 8)

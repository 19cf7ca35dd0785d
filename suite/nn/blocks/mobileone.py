"""MobileOne: over-parameterised in training, plain when deployed (Vasu et al., CVPR 2023, arXiv 2206.04040)."""

import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct, fold_norm, norm_as_affine
from suite.nn.mobile import conv_norm

MAX_BRANCHES = 64


class MobileOne(nn.Sequential):
    """A depthwise 3x3 that may stride, then a 1x1 to the new width; each trained as `branches` convolutions and more.

    Maps (B, in, H, W) to (B, out, H / stride, W / stride).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 1,
        branches: int = 4,
    ) -> None:
        super().__init__(
            Branches(
                in_channels,
                in_channels,
                make=make,
                stride=stride,
                groups=in_channels,
                branches=branches,
            ),
            Branches(in_channels, out_channels, make=make, kernel=1, branches=branches),
        )


class Branches(nn.Module):
    """The sum of `branches` convolutions, of a 1x1 if they are larger, and of the input if its shape stays; then ReLU.

    Every branch ends in a norm. `deployed()` merges them all into one convolution, exactly.

    Raises:
        ValueError: there is no branch, or more than MAX_BRANCHES.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
        branches: int = 1,
    ) -> None:
        super().__init__()
        if not 0 < branches <= MAX_BRANCHES:
            raise ValueError(f"has 1 to {MAX_BRANCHES} branches, not {branches}")
        self.identity = (
            nn.BatchNorm2d(out_channels) if stride == 1 and in_channels == out_channels else None
        )
        kernels = [kernel] * branches + ([1] if kernel > 1 else [])
        self.convs = nn.ModuleList(
            conv_norm(make, in_channels, out_channels, size, stride, groups=groups)
            for size in kernels
        )
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        out: Tensor = self.convs[0](x)
        for conv in self.convs[1:]:
            out = out + conv(x)
        if self.identity is not None:
            out = out + self.identity(x)
        return self.act(out)

    def deployed(self) -> nn.Module:
        """One convolution and the ReLU: every norm folded, every kernel and bias added to the first, centred."""
        folded = [_folded(branch) for branch in self.convs]
        if None in folded:  # an operator that has no kernel to add
            return self
        merged, *others = [conv for conv in folded if conv is not None]
        assert merged.bias is not None
        for conv in others:
            assert conv.bias is not None
            margin = (merged.kernel_size[0] - conv.kernel_size[0]) // 2
            merged.weight.data += F.pad(conv.weight.detach(), (margin,) * 4)
            merged.bias.data += conv.bias.detach()
        if self.identity is not None:
            scale, shift = norm_as_affine(self.identity)
            passing = nn.init.dirac_(merged.weight.detach().clone(), merged.groups)
            merged.weight.data += passing * scale[:, None, None, None]
            merged.bias.data += shift
        return nn.Sequential(merged, self.act)


def _folded(branch: nn.Module) -> nn.Conv2d | None:
    assert isinstance(branch, ConvNormAct)
    if not isinstance(branch.conv, nn.Conv2d):
        return None
    assert isinstance(branch.norm, nn.BatchNorm2d)
    return fold_norm(branch.conv, branch.norm)

"""Patchify stem: non-overlapping patches as tokens (ConvNeXt, arXiv 2201.03545, section 2.3)."""

from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import LayerNorm2d


class Patchify(nn.Module):
    """A `stride` x `stride` convolution of that stride, with bias, then layer norm; no activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 4,
    ) -> None:
        super().__init__()
        self.conv = make.patches(in_channels, out_channels, stride)
        self.norm = LayerNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.norm(self.conv(x))

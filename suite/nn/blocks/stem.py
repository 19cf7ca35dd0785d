"""Patchify stem: non-overlapping patches as tokens (ConvNeXt, arXiv 2201.03545, section 2.3)."""

from torch import Tensor, nn

from suite.nn.conv import ConvFactory
from suite.nn.layers import LayerNorm2d


class Patchify(nn.Module):
    """A `stride` x `stride` convolution of that stride, with bias, then layer norm; no activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory | None = None,
        stride: int = 4,
    ) -> None:
        super().__init__()
        make = make or ConvFactory()
        self.conv = make.conv(in_channels, out_channels, stride, stride, padding=0, bias=True)
        self.norm = LayerNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        out: Tensor = self.norm(self.conv(x))
        return out

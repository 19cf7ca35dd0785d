"""Focus: the stem of YOLOv5 before v6.0, which puts neighbouring pixels side by side as channels."""

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory


class Focus(nn.Module):
    """Every `stride` x `stride` square of pixels becomes one with all their channels; a convolution follows.

    The pixels of a square are taken column by column, each with all its channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        kernel: int = 1,
        stride: int = 2,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.mix = make.conv_norm_act(in_channels * stride**2, out_channels, kernel, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        steps = range(self.stride)
        pixels = [
            x[..., row :: self.stride, column :: self.stride] for column in steps for row in steps
        ]
        return self.mix(torch.cat(pixels, 1))

"""Upsampling by a transposed convolution that learns (as in arXiv 1505.04366, and as YOLOv5 files use it)."""

from torch import Tensor, nn


class Transposed(nn.Module):
    """A transposed convolution whose kernel is its stride, so that no new pixel is written twice; keeps the channels.

    `groups` of 0 give every channel a kernel of its own.
    """

    def __init__(self, in_channels: int, *, scale: int = 2, groups: int = 1) -> None:
        super().__init__()
        self.grow = nn.ConvTranspose2d(
            in_channels, in_channels, scale, scale, groups=groups or in_channels
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, scale · H, scale · W)."""
        return self.grow(x)

"""Nearest-neighbour upsampling, as in the top-down path of a feature pyramid (FPN, arXiv 1612.03144)."""

from torch import Tensor, nn


class Upsample(nn.Module):
    """Repeats every pixel `scale` times in both directions; keeps the channels."""

    def __init__(self, in_channels: int, *, scale: int = 2) -> None:  # noqa: ARG002  (every block is told its input)
        super().__init__()
        # torch's own module: counters that work by module type know it
        self.grow = nn.Upsample(scale_factor=float(scale), mode="nearest")

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, scale·H, scale·W)."""
        return self.grow(x)

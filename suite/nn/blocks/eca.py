"""ECA: efficient channel attention (Wang et al., CVPR 2020, arXiv 1910.03151)."""

import math

from torch import Tensor, nn


class ECA(nn.Module):
    """Gates each channel by its own mean and those of its neighbours: a convolution along the channels.

    `kernel` counts the neighbours; 0 lets the width decide, as the paper does: the odd number at or above
    (log2(in) + 1) / 2, cut to a whole number.
    """

    def __init__(self, in_channels: int, *, kernel: int = 0) -> None:
        super().__init__()
        kernel = kernel or int((math.log2(in_channels) + 1) / 2) // 2 * 2 + 1
        self.along = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        mean = x.mean((2, 3))[:, None]
        return x * self.along(mean).sigmoid()[:, 0, :, None, None]

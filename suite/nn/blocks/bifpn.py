"""BiFPN's weighted fusion of maps (EfficientDet; Tan, Pang and Le, CVPR 2020, arXiv 1911.09070)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-4


class Fuse(nn.Module):
    """Fast normalised fusion (section 3.3): the sum of max(wᵢ, 0) · mapᵢ over ε + the sum of max(wᵢ, 0).

    The weights, one a map, are learnt and start equal.

    Raises:
        ValueError: fewer than two maps, or maps of different widths.
    """

    def __init__(self, in_channels: tuple[int, ...]) -> None:
        super().__init__()
        if len(in_channels) < 2:
            raise ValueError("fuses several maps, but gets one; name two or more in `inputs`")
        if len(set(in_channels)) > 1:
            widths = ", ".join(map(str, in_channels))
            raise ValueError(
                f"fuses maps of one width, but they have {widths}; put a 1x1 before those that differ"
            )
        self.weight = nn.Parameter(torch.ones(len(in_channels)))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps (B, C, H, W) of one shape to one such map."""
        positive = F.relu(self.weight)
        shares = positive / (EPS + positive.sum())
        out = maps[0] * shares[0]
        for index, x in enumerate(maps[1:], 1):
            out = out + x * shares[index]
        return out

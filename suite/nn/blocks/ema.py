"""EMA: efficient multi-scale attention with cross-spatial learning (Ouyang et al., ICASSP 2023, arXiv 2305.13563)."""

import torch
from torch import Tensor, nn


class EMA(nn.Module):
    """Every group of channels is gated by two branches that read each other's channel weights.

    The first branch gates by rows and columns, as coordinate attention does, and normalises; the second is a 3x3
    convolution. Softmaxed means of the one weigh the channels of the other into one map a group.

    Raises:
        ValueError: `groups` does not divide the width.
    """

    def __init__(self, in_channels: int, *, groups: int = 8) -> None:
        super().__init__()
        if in_channels % groups:
            raise ValueError(f"{in_channels} channels cannot be parted into {groups} groups")
        width = in_channels // groups
        self.groups = groups
        self.point = nn.Conv2d(width, width, 1)
        self.norm = nn.GroupNorm(width, width)
        self.local = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        height, width = x.shape[2:]
        parts = x.reshape(len(x) * self.groups, -1, height, width)
        means = torch.cat(
            (parts.mean(3, keepdim=True), parts.mean(2, keepdim=True).transpose(2, 3)), 2
        )
        rows, columns = self.point(means).split((height, width), 2)
        gated = self.norm(parts * rows.sigmoid() * columns.transpose(2, 3).sigmoid())
        local = self.local(parts)
        # (B · groups, 1, H · W)
        logits = _weights(gated) @ local.flatten(2) + _weights(local) @ gated.flatten(2)
        out: Tensor = parts * logits.view(-1, 1, height, width).sigmoid()
        return out.reshape(x.shape)


def _weights(maps: Tensor) -> Tensor:
    """(B, C, H, W) to weights of the channels that sum to one, (B, 1, C)."""
    return maps.mean((2, 3)).softmax(1)[:, None]

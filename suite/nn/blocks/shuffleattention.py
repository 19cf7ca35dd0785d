"""SA-Net: shuffle attention (Zhang and Yang, ICASSP 2021, arXiv 2102.00037)."""

import torch
from torch import Tensor, nn


class ShuffleAttention(nn.Module):
    """Half of each group's channels are gated by their means, the other half by their normalised values.

    Both gates are a weight and a bias for each channel, shared by all groups. A shuffle then mixes the two halves
    across groups.

    Raises:
        ValueError: the width is no multiple of twice the `groups`.
    """

    def __init__(self, in_channels: int, *, groups: int = 8) -> None:
        super().__init__()
        if in_channels % (2 * groups):
            raise ValueError(
                f"{in_channels} channels cannot be parted into {groups} groups of two halves"
            )
        self.groups = groups
        half = in_channels // (2 * groups)
        self.channel_weight = nn.Parameter(torch.zeros(half))
        self.channel_bias = nn.Parameter(torch.ones(half))
        self.norm = nn.GroupNorm(half, half)
        self.place_weight = nn.Parameter(torch.zeros(half))
        self.place_bias = nn.Parameter(torch.ones(half))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        first, second = x.reshape(len(x) * self.groups, -1, *x.shape[2:]).chunk(2, 1)
        first = (
            first
            * _affine(
                first.mean((2, 3), keepdim=True), self.channel_weight, self.channel_bias
            ).sigmoid()
        )
        second = second * _affine(self.norm(second), self.place_weight, self.place_bias).sigmoid()
        out = torch.cat((first, second), 1)
        # channel c of the result is channel c // 2 of the half c % 2
        return out.reshape(len(x), 2, -1, *x.shape[2:]).transpose(1, 2).reshape(x.shape)


def _affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.addcmul(bias[:, None, None], x, weight[:, None, None])

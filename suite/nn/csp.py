"""The cross-stage-partial frame of C3 (CSPNet, arXiv 1911.11929), for blocks that put something else inside."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from suite.nn.conv import ConvFactory


class CrossStage(nn.Module):
    """`inner` on one half of the channels, the other half bypasses it, a 1x1 merges both.

    `inner` is called with the width of a half, out · `expansion`, and gives a module that keeps it.
    """

    def __init__(
        self,
        widths: tuple[int, int],
        inner: Callable[[int], nn.Module],
        *,
        make: ConvFactory,
        expansion: float = 0.5,
    ) -> None:
        super().__init__()
        in_channels, out_channels = widths
        hidden = int(out_channels * expansion)
        self.reduce = make.conv_norm_act(in_channels, hidden)
        self.bypass = make.conv_norm_act(in_channels, hidden)
        self.merge = make.conv_norm_act(2 * hidden, out_channels)
        self.blocks = inner(hidden)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H, W)."""
        return self.merge(torch.cat((self.blocks(self.reduce(x)), self.bypass(x)), 1))

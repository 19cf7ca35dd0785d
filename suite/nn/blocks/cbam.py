"""CBAM: channel attention, then spatial attention (Woo et al., ECCV 2018, arXiv 1807.06521)."""

import torch
from torch import Tensor, nn


class CBAM(nn.Module):
    """Gates channels by their mean and their maximum, then places by the mean and maximum of the gated channels.

    One perceptron of in / `reduction` hidden values serves both statistics of the channels; a `kernel` x `kernel`
    convolution reads the two maps of the places.
    """

    def __init__(
        self, in_channels: int, *, reduction: int = 16, min_hidden: int = 4, kernel: int = 7
    ) -> None:
        super().__init__()
        hidden = max(in_channels // reduction, min_hidden)
        self.perceptron = nn.Sequential(
            nn.Linear(in_channels, hidden), nn.ReLU(), nn.Linear(hidden, in_channels)
        )
        self.places = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        x = (
            x
            * (self.perceptron(x.mean((2, 3))) + self.perceptron(x.amax((2, 3)))).sigmoid()[
                ..., None, None
            ]
        )
        statistics = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)
        return x * self.places(statistics).sigmoid()

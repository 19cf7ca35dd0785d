"""CARAFE: content-aware reassembly of features (Wang et al., ICCV 2019, arXiv 1905.02188)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory


class CARAFE(nn.Module):
    """Enlarges by weighing `kernel` x `kernel` neighbours with weights that the content predicts for every new pixel.

    The weights come from a 1x1 to `hidden` channels and an `encoder` x `encoder` convolution, and sum to one. Keeps
    the channels.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        make: ConvFactory = PLAIN,
        scale: int = 2,
        kernel: int = 5,
        encoder: int = 3,
        hidden: int = 64,
    ) -> None:
        super().__init__()
        self.scale, self.kernel = scale, kernel
        self.compress = make.conv(in_channels, hidden, bias=True)
        self.encode = make.conv(hidden, scale**2 * kernel**2, encoder, bias=True)
        if isinstance(self.encode, nn.Conv2d):
            # all neighbours weigh alike at the start
            nn.init.normal_(self.encode.weight, std=0.001)
            nn.init.zeros_(self.encode.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, scale · H, scale · W)."""
        samples, channels, height, width = x.shape
        taps, parts = self.kernel**2, self.scale**2
        weights = (
            self.encode(self.compress(x)).view(samples, taps, parts, height * width).softmax(1)
        )
        neighbours = F.unfold(x, self.kernel, padding=self.kernel // 2).view(
            samples, channels, taps, -1
        )
        out = torch.einsum("bcti,btpi->bcpi", neighbours, weights)
        return F.pixel_shuffle(out.reshape(samples, channels * parts, height, width), self.scale)

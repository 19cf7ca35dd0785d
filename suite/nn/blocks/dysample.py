"""DySample: upsampling by learnt sampling places (Liu et al., ICCV 2023, arXiv 2308.15085; static scope factor)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory


class DySample(nn.Module):
    """Enlarges by reading the map bilinearly, every new pixel at its own place plus a quarter of a predicted offset.

    The offsets of each of `groups` groups of channels come from a 1x1 convolution that starts near zero, so that the
    block starts as bilinear upsampling. Keeps the channels.

    Raises:
        ValueError: `groups` does not divide the width.
    """

    start: Tensor

    def __init__(
        self, in_channels: int, *, make: ConvFactory = PLAIN, scale: int = 2, groups: int = 4
    ) -> None:
        super().__init__()
        if in_channels % groups:
            raise ValueError(f"{in_channels} channels cannot be parted into {groups} groups")
        self.scale, self.groups = scale, groups
        self.offset = make.conv(in_channels, 2 * groups * scale**2, bias=True)
        if isinstance(self.offset, nn.Conv2d):
            nn.init.normal_(self.offset.weight, std=0.001)
            nn.init.zeros_(self.offset.bias)  # type: ignore[arg-type]  # it has one
        # where the new pixels lie in their old one, in old pixels from its middle: (x or y, part)
        steps = (torch.arange(scale) - (scale - 1) / 2) / scale
        rows, columns = torch.meshgrid(steps, steps, indexing="ij")
        self.register_buffer("start", torch.stack((columns, rows)).flatten(1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, scale · H, scale · W)."""
        samples, channels, height, width = x.shape
        offset = self.offset(x).view(samples, 2, self.groups, -1, height, width) * 0.25
        offset = offset + self.start[:, None, :, None, None]
        rows = torch.arange(height, dtype=x.dtype, device=x.device)[:, None]
        columns = torch.arange(width, dtype=x.dtype, device=x.device)[None, :]
        # grid_sample wants the outer edges at -1 and 1
        across = (2 * (offset[:, 0] + columns) + 1) / width - 1
        down = (2 * (offset[:, 1] + rows) + 1) / height - 1
        places = F.pixel_shuffle(
            torch.stack((across, down), 2).flatten(0, 1).flatten(1, 2), self.scale
        )
        maps = x.reshape(samples * self.groups, channels // self.groups, height, width)
        grown = F.grid_sample(
            maps, places.permute(0, 2, 3, 1), padding_mode="border", align_corners=False
        )
        return grown.view(samples, channels, self.scale * height, self.scale * width)

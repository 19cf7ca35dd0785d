"""Swin Transformer: attention in shifted windows (Liu et al., ICCV 2021, arXiv 2103.14030).

Every norm has torch's eps of 1e-5. Padding up to a multiple of the window comes after the norm and is not masked;
where one window holds a whole side, that side is not shifted. Two forms circulate, which differ where a padded map is
shifted; `pad` chooses. The authors' detectors and torchvision pad "before" the shift; timm pads "after" it, so its mask
is beside the seam.
"""

from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import DropPath, LayerNorm2d, init_trunc_normal, require_same_width

EPS = 1e-5
Pad = Literal["before", "after"]
BLOCKED = -100.0  # what is added between pixels that the shift has brought into one window


class Stem(nn.Module):
    """Patches: a `stride` x `stride` convolution of that stride, with bias, then layer norm."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 4,
    ) -> None:
        super().__init__()
        self.conv = make.patches(in_channels, out_channels, stride)
        self.norm = LayerNorm2d(out_channels, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.norm(self.conv(x))


class Merge(nn.Module):
    """The four pixels of a 2x2 square side by side, layer norm, a 1x1 without bias; halves the resolution.

    Raises:
        ValueError: the stride is not 2.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 2,
    ) -> None:
        super().__init__()
        if stride != 2:
            raise ValueError(
                f"merges squares of 2 pixels, but the stride is {stride}; it must be 2"
            )
        self.norm = LayerNorm2d(4 * in_channels, eps=EPS)
        self.project = init_trunc_normal(make.conv(4 * in_channels, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / 2, W / 2), odd sides rounded up."""
        x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        square = [x[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.project(self.norm(torch.cat(square, 1)))


class Stage(nn.Sequential):
    """`repeat` blocks with heads of `head` channels, of which the second, fourth, ... shift their windows.

    Maps (B, C, H, W) to the same shape. `drop_path` is that of every block.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        repeat: int = 1,
        head: int = 32,
        window: int = 7,
        pad: Pad = "before",
        drop_path: float = 0.0,
    ) -> None:
        block = partial(
            Block,
            in_channels,
            out_channels,
            make=make,
            head=head,
            window=window,
            pad=pad,
            drop_path=drop_path,
        )
        super().__init__(*(block(shift=window // 2 * (index % 2)) for index in range(repeat)))


class Block(nn.Module):
    """x + attention in windows of the norm, then x + two 1x1 with a GELU by way of `expand` times the width.

    Raises:
        ValueError: the widths in and out differ, or the width does not consist of whole heads.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        head: int = 32,
        window: int = 7,
        shift: int = 0,
        pad: Pad = "before",
        expand: int = 4,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        require_same_width(in_channels, out_channels)
        hidden = expand * in_channels
        self.first_norm = LayerNorm2d(in_channels, eps=EPS)
        self.attend = WindowAttention(
            in_channels, head=head, window=window, shift=shift, pad=pad, make=make
        )
        self.second_norm = LayerNorm2d(in_channels, eps=EPS)
        self.expand = init_trunc_normal(make.conv(in_channels, hidden, bias=True))
        self.act = nn.GELU()
        self.project = init_trunc_normal(make.conv(hidden, in_channels, bias=True))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        x = x + self.drop_path(self.attend(self.first_norm(x)))
        return x + self.drop_path(self.project(self.act(self.expand(self.second_norm(x)))))


class WindowAttention(nn.Module):
    """Self-attention in windows of `window` x `window` pixels that start `shift` pixels down and right of the corner.

    A head has `head` channels, or all of them where there are fewer. Pixels that are no neighbours, but meet in a
    window since the shift is cyclic, do not see each other.

    Raises:
        ValueError: the width does not consist of whole heads.
    """

    index: Tensor

    def __init__(
        self,
        channels: int,
        *,
        head: int,
        window: int,
        shift: int = 0,
        pad: Pad = "before",
        make: ConvFactory,
    ) -> None:
        super().__init__()
        self.head = min(head, channels)
        if channels % self.head:
            raise ValueError(f"{channels} channels are no whole number of heads of {head}")
        self.window = window
        self.shift = shift
        self.pad_first = pad == "before"
        self.query_key_value = init_trunc_normal(make.conv(channels, 3 * channels, bias=True))
        self.project = init_trunc_normal(make.conv(channels, channels, bias=True))
        self.bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, channels // self.head))
        nn.init.trunc_normal_(self.bias_table, std=0.02)
        self.register_buffer("index", _offsets(window), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        height, width = x.shape[2:]
        rows, columns = (-(-side // self.window) * self.window for side in (height, width))
        down, right = (self.shift if side > self.window else 0 for side in (rows, columns))
        margin = (0, columns - width, 0, rows - height)
        x = F.pad(x, margin) if self.pad_first else x
        x = torch.roll(x, (-down, -right), (2, 3))
        x = x if self.pad_first else F.pad(x, margin)
        query, key, value = self._windows(self.query_key_value(x)).chunk(3, dim=3)
        logits = query * self.head**-0.5 @ key.transpose(-2, -1) + self._position_bias()
        if down or right:
            logits = logits + self._apart(rows, columns, down, right).to(logits.dtype)
        pixels = (logits.softmax(dim=-1) @ value).unflatten(4, (self.window, self.window))
        # the authors project the padding too, and so does their count of the cost
        out: Tensor = self.project(pixels.permute(0, 3, 6, 1, 4, 2, 5).reshape(x.shape))
        out = out if self.pad_first else out[:, :, :height, :width]
        return torch.roll(out, (down, right), (2, 3))[:, :, :height, :width]

    def _windows(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, n, m, heads, pixels of a window, width of a head)."""
        batch, channels, rows, columns = x.shape
        side = self.window
        parts = x.reshape(
            batch, channels // self.head, self.head, rows // side, side, columns // side, side
        )
        return parts.permute(0, 3, 5, 1, 4, 6, 2).flatten(4, 5)

    def _position_bias(self) -> Tensor:
        """(heads, pixels, pixels): what a head learns about the offset between two pixels of a window."""
        return self.bias_table[self.index].permute(2, 0, 1)

    def _apart(self, rows: int, columns: int, down: int, right: int) -> Tensor:
        """(n, m, 1, pixels, pixels): `BLOCKED` between pixels from both sides of the seam of the cyclic shift."""
        side = self.window
        below = torch.arange(rows, device=self.index.device) >= rows - down
        beyond = torch.arange(columns, device=self.index.device) >= columns - right
        region = 2 * below[:, None] + 1 * beyond
        regions = (
            region.reshape(rows // side, side, columns // side, side).transpose(1, 2).flatten(2)
        )
        return BLOCKED * (regions[..., :, None] != regions[..., None, :])[:, :, None]


def _offsets(window: int) -> Tensor:
    """(pixels, pixels): the row of the table for the offset between two pixels of a window."""
    pixel = torch.arange(window**2)
    row, column = pixel // window, pixel % window
    down = row[:, None] - row + window - 1
    right = column[:, None] - column + window - 1
    return down * (2 * window - 1) + right

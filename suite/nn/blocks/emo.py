"""EMO: the inverted residual mobile block, MBConv and attention in one (Zhang et al., ICCV 2023, arXiv 2301.01146).

Every norm has the authors' eps of 1e-6. The windows of the attention are dilated: one takes every n-th pixel of the
map, so each sees the whole image. Padding up to a multiple of the window comes after the norm and is not masked.
"""

import copy
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import ConvNormAct, DropPath, LayerNorm2d, SqueezeExcite, norm_as_affine

EPS = 1e-6
ACTIVATIONS = {"silu": nn.SiLU, "gelu": nn.GELU}


class Stem(nn.Module):
    """3x3 of stride 2 and norm, then a depthwise 3x3, squeeze-excite of the full width, and a linear 1x1."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        make: ConvFactory = PLAIN,
        stride: int = 2,
    ) -> None:
        super().__init__()
        conv = make.conv(in_channels, out_channels, 3, stride, bias=True)
        self.conv = ConvNormAct(conv, nn.BatchNorm2d(out_channels, eps=EPS), nn.Identity())
        self.mix = _mix(make, out_channels, 3, 1)
        self.squeeze = SqueezeExcite(out_channels, out_channels, act=nn.SiLU)
        self.project = make.conv(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.project(self.squeeze(self.mix(self.conv(x))))


class IRMB(nn.Module):
    """Norm, attention if asked for, 1x1 to `expand` times the width, depthwise `kernel` x `kernel`, linear 1x1.

    `head` is the width of an attention head (None: no attention), `window` its side in pixels. Where stride is 1 and
    the width stays there are two residuals, around the block and around the depthwise convolution.

    Raises:
        ValueError: the width does not consist of whole heads.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        expand: float,
        make: ConvFactory = PLAIN,
        stride: int = 1,
        kernel: int = 3,
        norm: Literal["batch", "layer"] = "batch",
        act: Literal["silu", "gelu"] = "silu",
        head: int | None = None,
        window: int = 7,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        hidden = int(expand * in_channels)
        self.norm: nn.Module = (
            nn.BatchNorm2d(in_channels, eps=EPS)
            if norm == "batch"
            else LayerNorm2d(in_channels, eps=EPS)
        )
        self.attend = (
            nn.Identity() if head is None else Attention(in_channels, head, window, make=make)
        )
        self.expand = make.conv(in_channels, hidden, bias=True)
        self.act = ACTIVATIONS[act]()
        self.mix = _mix(make, hidden, kernel, stride)
        self.project = make.conv(hidden, out_channels)
        self.drop_path = DropPath(drop_path)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / stride, W / stride)."""
        # the authors expand the padding too, and so does their count of the cost
        wide = self.act(self.expand(self.attend(self.norm(x))))[:, :, : x.shape[2], : x.shape[3]]
        mixed = self.mix(wide)
        out: Tensor = self.project(wide + mixed if self.residual else mixed)
        return x + self.drop_path(out) if self.residual else out

    def deployed(self) -> "IRMB":
        """The same block with its batch norm folded into the 1x1 behind it; not where padded attention is between."""
        norm, conv = self.norm, self.expand
        if not (
            isinstance(norm, nn.BatchNorm2d)
            and isinstance(self.attend, nn.Identity)
            and isinstance(conv, nn.Conv2d)
        ):
            return self
        form = copy.deepcopy(self)
        scale, shift = norm_as_affine(norm)
        folded = form.expand
        assert isinstance(folded, nn.Conv2d)
        assert folded.bias is not None
        with torch.no_grad():
            folded.bias.add_(conv.weight[:, :, 0, 0] @ shift)
            folded.weight.mul_(scale[:, None, None])
        form.norm = nn.Identity()
        return form


class Attention(nn.Module):
    """Self-attention among the pixels (i + n·a, j + m·b) of one dilated window; the input itself is the value.

    Raises:
        ValueError: the width does not consist of whole heads.
    """

    def __init__(self, channels: int, head: int, window: int, *, make: ConvFactory) -> None:
        super().__init__()
        if channels % head:
            raise ValueError(f"{channels} channels are no whole number of heads of {head}")
        self.query_key = make.conv(channels, 2 * channels, bias=True)
        self.head = head
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same, with H and W rounded up to multiples of the window."""
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.window, 0, -height % self.window))
        query, key = self._tokens(self.query_key(x)).chunk(2, dim=3)
        value = self._tokens(x)
        weights = (query @ key.transpose(-2, -1) * self.head**-0.5).softmax(dim=-1)
        pixels = (weights @ value).unflatten(4, (self.window, self.window))
        return pixels.permute(0, 3, 6, 4, 1, 5, 2).reshape(x.shape)

    def _tokens(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, n, m, heads, pixels of a window, width of a head)."""
        batch, channels, height, width = x.shape
        side = self.window
        parts = x.reshape(
            batch, channels // self.head, self.head, side, height // side, side, width // side
        )
        return parts.permute(0, 4, 6, 1, 3, 5, 2).flatten(4, 5)


def _mix(make: ConvFactory, channels: int, kernel: int, stride: int) -> ConvNormAct:
    conv = make.conv(channels, channels, kernel, stride, groups=channels)
    return ConvNormAct(conv, nn.BatchNorm2d(channels, eps=EPS), nn.SiLU())

"""Parts that several papers share. Shapes are (B, C, H, W)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNormAct(nn.Module):
    """Convolution, norm, activation: YOLOv5's `Conv`, and what most blocks are made of."""

    def __init__(self, conv: nn.Module, norm: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.conv = conv
        self.norm = norm
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """Keeps (B, C, H, W); channels and resolution are the convolution's."""
        return self.act(self.norm(self.conv(x)))

    def deployed(self) -> nn.Module:
        """The same map with a batch norm folded into the convolution, whatever operator that is; others stay."""
        if not isinstance(self.norm, nn.BatchNorm2d):
            return self
        if isinstance(self.conv, nn.Conv2d):
            folded: nn.Module = fold_norm(self.conv, self.norm)
        elif callable(fold := getattr(self.conv, "folded", None)):
            folded = fold(self.norm)
        else:
            return self
        return nn.Sequential(folded, self.act) if not isinstance(self.act, nn.Identity) else folded


class LayerNorm2d(nn.Module):
    """Layer norm over channels at every position (ConvNeXt, arXiv 2201.03545, channels-first form)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        # in channels_last memory this permutation is free and the norm runs over contiguous rows
        rows = F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), self.weight, self.bias, self.eps)
        return rows.permute(0, 3, 1, 2)


class SqueezeExcite(nn.Module):
    """Channel gate from the global mean (arXiv 1709.01507, fig. 1): reduce to `hidden`, expand, gate.

    The mean is taken over dimensions: adaptive pooling has no deterministic backward on CUDA.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        *,
        act: Callable[[], nn.Module] = nn.ReLU,
        gate: Callable[[], nn.Module] = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.act = act()
        self.expand = nn.Conv2d(hidden, channels, 1)
        self.gate = gate()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        mean = x.mean((2, 3), keepdim=True)
        return x * self.gate(self.expand(self.act(self.reduce(mean))))


class DropPath(nn.Module):
    """Stochastic depth (arXiv 1603.09382): in training a sample's branch is zero with probability `rate`.

    Raises:
        ValueError: `rate` is not in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"drop path rate is {rate}; it must be at least 0 and below 1")
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) to the same shape; the kept samples are scaled so that the mean stays."""
        if not self.training or self.rate == 0:
            return x
        # torchvision's StochasticDepth drops other samples for the same seed and scales the mask, not the map: of what
        # is kept 26 % differs in the last bit, so no training with it could be repeated
        keep = 1 - self.rate
        mask = torch.rand(x.shape[0], *(1,) * (x.ndim - 1), dtype=x.dtype, device=x.device) < keep
        return x * mask / keep


def require_same_width(in_channels: int, out_channels: int, *, keeps: str = "its width") -> None:
    """ValueError unless a block that keeps its width is to have one width."""
    if in_channels != out_channels:
        raise ValueError(f"keeps {keeps}, but has {in_channels} channels in and {out_channels} out")


def init_trunc_normal(conv: nn.Module) -> nn.Module:
    """Swin's and ConvNeXt's start: weights of a truncated normal of 0.02, no bias; other operators keep their own.

    Returns `conv` itself.
    """
    if isinstance(conv, nn.Conv2d):
        nn.init.trunc_normal_(conv.weight, std=0.02)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
    return conv


def fold_norm(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution equal to `conv` then `norm` in evaluation: W' = γ/√(σ²+ε)·W, b' = β + (b − μ)·γ/√(σ²+ε)."""
    scale, shift = norm_as_affine(norm)
    folded = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        _pair(conv.kernel_size),
        _pair(conv.stride),
        padding=conv.padding if isinstance(conv.padding, str) else _pair(conv.padding),
        dilation=_pair(conv.dilation),
        groups=conv.groups,
        bias=True,
        device="meta",  # where no time goes into start values that are not wanted
    )
    folded.weight = nn.Parameter(conv.weight.detach() * scale[:, None, None, None])
    folded.bias = nn.Parameter(shift if conv.bias is None else conv.bias.detach() * scale + shift)
    return folded


def norm_as_affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The (scale, shift), each (C,), that a batch norm applies in evaluation."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.running_var + norm.eps).rsqrt() * norm.weight.detach()
    return scale, norm.bias.detach() - norm.running_mean * scale


def _pair(value: tuple[int, ...]) -> tuple[int, int]:
    return value[0], value[1]

"""Batch norm as a layer of its own (arXiv 1502.03167), as YOLOv5 files may have it."""

import torch
from torch import Tensor, nn

from suite.nn.conv import PLAIN, ConvFactory
from suite.nn.layers import norm_as_affine


class BatchNorm(nn.Module):
    """The norm that the other blocks use. Keeps channels and resolution."""

    def __init__(self, in_channels: int, *, make: ConvFactory = PLAIN) -> None:
        super().__init__()
        self.norm = make.norm(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return self.norm(x)

    def deployed(self) -> nn.Module:
        """The same map as a depthwise 1x1 convolution, which the runtimes merge with their own means."""
        if not isinstance(self.norm, nn.BatchNorm2d):
            return self
        scale, shift = norm_as_affine(self.norm)
        conv = nn.Conv2d(
            len(scale), len(scale), 1, groups=len(scale), device=scale.device, dtype=scale.dtype
        )
        assert conv.bias is not None
        with torch.no_grad():
            conv.weight.copy_(scale[:, None, None, None])
            conv.bias.copy_(shift)
        return conv

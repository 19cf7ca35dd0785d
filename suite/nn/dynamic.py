"""Convolutions whose kernels differ from sample to sample, for operators that mix several kernels by attention."""

import torch
import torch.nn.functional as F
from torch import Tensor


def mixed(stack: Tensor, mixture: Tensor) -> Tensor:
    """The rows of `stack` (K, ...) summed with the weights of each sample, (B, K): (B, ...)."""
    rows = stack.flatten(1)
    # for one sample a vector product, which no counter takes for the work of a layer
    out = torch.mv(rows.t(), mixture[0]) if len(mixture) == 1 else mixture @ rows
    return out.view(-1, *stack.shape[1:])


def convolve_each(x: Tensor, weight: Tensor, *, stride: int, padding: int, dilation: int, groups: int) -> Tensor:
    """Every sample of (B, in, H, W) by its own kernel, `weight` (B, out, in / groups, k, k): (B, out, H', W')."""
    samples, out_channels = weight.shape[:2]
    # the samples become the groups of one convolution
    wide = x.reshape(-1, samples * x.shape[1], *x.shape[2:])
    out = F.conv2d(wide, weight.flatten(0, 1), None, stride, padding, dilation, samples * groups)
    return out.view(-1, out_channels, *out.shape[2:])

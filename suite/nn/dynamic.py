"""Convolutions whose kernels differ from sample to sample, for operators that mix several kernels by attention."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class KernelBank(nn.Module):
    """The kernels of a convolution that mixes them for every sample, and with `bias` a bias for each kernel.

    Args:
        shape: out, in / groups, kernel, kernel.
        kernels: how many there are.
        gain: the kernels start uniform within ± gain / √inputs.
        bias: whether there is one; it starts at zero.
        stepping: the convolution's stride, padding, dilation and groups.
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        shape: tuple[int, int, int, int],
        kernels: int,
        *,
        gain: float,
        bias: bool,
        **stepping: int,
    ) -> None:
        super().__init__()
        self.shape, self.stepping = shape, stepping
        inputs = math.prod(shape[1:])
        # one row a kernel: a tensor of five dimensions could not be moved to channels_last memory
        self.weight = nn.Parameter(torch.empty(kernels, shape[0], inputs))
        bound = gain / math.sqrt(inputs)
        nn.init.uniform_(self.weight, -bound, bound)
        self.register_parameter(
            "bias", nn.Parameter(torch.zeros(kernels, shape[0])) if bias else None
        )

    def convolve(self, x: Tensor, mixture: Tensor) -> Tensor:
        """(B, in, H, W) by the sums of the kernels with the weights `mixture` (B, kernels): (B, out, H', W')."""
        out = convolve_each(x, mixed(self.weight, mixture).view(-1, *self.shape), **self.stepping)
        return out if self.bias is None else out + mixed(self.bias, mixture)[..., None, None]


def mixed(stack: Tensor, mixture: Tensor) -> Tensor:
    """The rows of `stack` (K, ...) summed with the weights of each sample, (B, K): (B, ...)."""
    rows = stack.flatten(1)
    # for one sample a vector product, which no counter takes for the work of a layer
    out = torch.mv(rows.t(), mixture[0]) if len(mixture) == 1 else mixture @ rows
    return out.view(-1, *stack.shape[1:])


def convolve_each(
    x: Tensor, weight: Tensor, *, stride: int, padding: int, dilation: int, groups: int
) -> Tensor:
    """Every sample of (B, in, H, W) by its own kernel, `weight` (B, out, in / groups, k, k): (B, out, H', W')."""
    samples, out_channels = weight.shape[:2]
    # the samples become the groups of one convolution
    wide = x.reshape(-1, samples * x.shape[1], *x.shape[2:])
    out = F.conv2d(wide, weight.flatten(0, 1), None, stride, padding, dilation, samples * groups)
    return out.view(-1, out_channels, *out.shape[2:])

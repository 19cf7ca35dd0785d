"""CondConv: conditionally parameterised convolution (Yang et al., NeurIPS 2019, arXiv 1904.04971)."""

import copy
import math

import torch
from torch import Tensor, nn

from suite.nn.dynamic import convolve_each, mixed
from suite.nn.layers import norm_as_affine


class CondConv(nn.Module):
    """A convolution whose kernel is a sum of `kernels` kernels, each weighed by a sigmoid of the global mean.

    Takes the place of a convolution without bias; `bias` adds one bias a kernel, mixed like them. Every convolution
    routes by its own input; the paper's EfficientNet shares one routing in each of its blocks.

    Maps (B, in, H, W) to what a convolution of this kernel, stride, padding and dilation gives.
    """

    bias: nn.Parameter | None
    shift: nn.Parameter | None

    def __init__(  # noqa: PLR0917  (an operator is called as the convolution that it replaces)
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        *,
        kernels: int = 4,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.shape = (out_channels, in_channels // groups, kernel, kernel)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.routing = nn.Linear(in_channels, kernels)
        inputs = math.prod(self.shape[1:])
        # one row a kernel: a tensor of five dimensions could not be moved to channels_last memory
        self.weight = nn.Parameter(torch.empty(kernels, out_channels, inputs))
        nn.init.uniform_(self.weight, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs))
        self.register_parameter("bias", nn.Parameter(torch.zeros(kernels, out_channels)) if bias else None)
        self.register_parameter("shift", None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        mixture = self.routing(x.mean((2, 3))).sigmoid()
        weight = mixed(self.weight, mixture).view(-1, *self.shape)
        out = convolve_each(
            x, weight, stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups
        )
        if self.bias is not None:
            out = out + mixed(self.bias, mixture)[..., None, None]
        return out if self.shift is None else out + self.shift[:, None, None]

    def folded(self, norm: nn.Module) -> "CondConv":
        """This operator followed by the batch norm `norm`, in evaluation: γ/σ scales every kernel, the rest is added.

        The weights of the kernels do not sum to one, so what is added stands outside of the mixture.
        """
        assert isinstance(norm, nn.BatchNorm2d)
        scale, shift = norm_as_affine(norm)
        form = copy.deepcopy(self)
        form.weight.data *= scale[:, None]
        if form.bias is not None:
            form.bias.data *= scale
        form.register_parameter("shift", nn.Parameter(shift))
        return form

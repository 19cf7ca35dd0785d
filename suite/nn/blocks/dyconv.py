"""DyConv: dynamic convolution by attention over kernels (Chen et al., CVPR 2020, arXiv 1912.03458)."""

import copy
import math

import torch
from torch import Tensor, nn

from suite.nn.dynamic import KernelBank
from suite.nn.layers import norm_as_affine
from suite.nn.operators import ConvShape, takes_place_of_conv


class DyConv(KernelBank):
    """A convolution whose kernel is an average of `kernels` kernels, weighed by a softmax over the global mean.

    Takes the place of a convolution without bias; `bias` adds one bias a kernel, averaged like them. `temperature`
    flattens the weights while the network is young (the paper goes from 30 to 1 over the first epochs); it acts in
    training only, so a copy made on the way evaluates like the finished network.

    Maps (B, in, H, W) to what a convolution of this kernel, stride, padding and dilation gives.
    """

    @takes_place_of_conv()
    def __init__(
        self,
        shape: ConvShape,
        *,
        kernels: int = 4,
        reduction: float = 0.25,
        bias: bool = False,
    ) -> None:
        super().__init__(shape.weight, kernels, gain=math.sqrt(6), bias=bias, **shape.stepping)
        self.temperature = 1.0
        hidden = int(shape.in_channels * reduction) + 1
        self.squeeze = nn.Linear(shape.in_channels, hidden, bias=False)
        self.act = nn.ReLU()
        self.attention = nn.Linear(hidden, kernels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        logits = self.attention(self.act(self.squeeze(x.mean((2, 3)))))
        return self.convolve(x, (logits / (self.temperature if self.training else 1.0)).softmax(1))

    def folded(self, norm: nn.BatchNorm2d) -> "DyConv":
        """This operator followed by the batch norm `norm`, in evaluation: γ/σ scales every kernel, the rest is bias.

        The weights of the kernels sum to one, so each kernel's bias takes the whole of it.
        """
        scale, shift = norm_as_affine(norm)
        form = copy.deepcopy(self)
        form.weight.data *= scale[:, None]
        bias = torch.zeros_like(self.weight[..., 0]) if self.bias is None else self.bias.detach()
        form.register_parameter("bias", nn.Parameter(bias * scale + shift))
        return form

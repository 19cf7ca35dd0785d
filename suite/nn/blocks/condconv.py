"""CondConv: conditionally parameterised convolution (Yang et al., NeurIPS 2019, arXiv 1904.04971)."""

import copy

from torch import Tensor, nn

from suite.nn.dynamic import KernelBank
from suite.nn.layers import norm_as_affine
from suite.nn.operators import ConvShape, takes_place_of_conv


class CondConv(KernelBank):
    """A convolution whose kernel is a sum of `kernels` kernels, each weighed by a sigmoid of the global mean.

    Takes the place of a convolution without bias; `bias` adds one bias a kernel, mixed like them. Every convolution
    routes by its own input; the paper's EfficientNet shares one routing in each of its blocks.

    Maps (B, in, H, W) to what a convolution of this kernel, stride, padding and dilation gives.
    """

    shift: nn.Parameter | None

    @takes_place_of_conv()
    def __init__(
        self,
        shape: ConvShape,
        *,
        kernels: int = 4,
        bias: bool = False,
    ) -> None:
        super().__init__(shape.weight, kernels, gain=1, bias=bias, **shape.stepping)
        self.routing = nn.Linear(shape.in_channels, kernels)
        self.register_parameter("shift", None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        out = self.convolve(x, self.routing(x.mean((2, 3))).sigmoid())
        return out if self.shift is None else out + self.shift[:, None, None]

    def folded(self, norm: nn.BatchNorm2d) -> "CondConv":
        """This operator followed by the batch norm `norm`, in evaluation: γ/σ scales every kernel, the rest is added.

        The weights of the kernels do not sum to one, so what is added stands outside of the mixture.
        """
        scale, shift = norm_as_affine(norm)
        form = copy.deepcopy(self)
        form.weight.data *= scale[:, None]
        if form.bias is not None:
            form.bias.data *= scale
        form.register_parameter("shift", nn.Parameter(shift))
        return form

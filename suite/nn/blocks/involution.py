"""Involution: a kernel for every place, shared by channels (Li et al., CVPR 2021, arXiv 2103.06255)."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.nn.layers import ConvNormAct, norm_as_affine
from suite.nn.operators import ConvShape, takes_place_of_conv


class Involution(nn.Module):
    """Every place weighs its `size` x `size` neighbours by a kernel made from itself, one for each group of channels.

    Takes the place of a convolution of any kernel; `size` is the paper's 7 unless stated. A 1x1 convolution goes
    before it where the width changes. The kernels are made by two 1x1 convolutions, by way of in / `reduction`
    channels, from the mean of the `stride` x `stride` pixels that a place stands for. Groups have `per_group`
    channels, or more where that does not divide the width. The weighing itself is elementwise work,
    out · size² · H' · W' products, which a count of convolutions and matrix products does not contain.

    Maps (B, in, H, W) to what a convolution of this stride gives.
    """

    scale: nn.Parameter | None
    shift: nn.Parameter | None

    @takes_place_of_conv()
    def __init__(
        self,
        shape: ConvShape,
        *,
        size: int = 7,
        reduction: int = 4,
        per_group: int = 16,
    ) -> None:
        super().__init__()
        in_channels, out_channels = shape.in_channels, shape.out_channels
        self.size, self.stride, self.dilation = size, shape.stride, shape.dilation
        self.padding = shape.padding + shape.dilation * (size - shape.kernel) // 2
        self.groups = math.gcd(out_channels, max(out_channels // per_group, 1))
        hidden = max(in_channels // reduction, 1)
        norm = nn.BatchNorm2d(hidden, eps=1e-3, momentum=0.03)
        self.reduce = ConvNormAct(nn.Conv2d(in_channels, hidden, 1, bias=False), norm, nn.ReLU())
        self.span = nn.Conv2d(hidden, self.groups * size**2, 1)
        widens = in_channels != out_channels
        self.widen = (
            nn.Conv2d(in_channels, out_channels, 1, bias=False) if widens else nn.Identity()
        )
        self.register_parameter("scale", None)
        self.register_parameter("shift", None)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        places = F.avg_pool2d(x, self.stride, ceil_mode=True) if self.stride > 1 else x
        kernels = self.span(self.reduce(places))
        height, width = kernels.shape[2:]
        kernels = kernels.view(-1, self.groups, 1, self.size**2, height * width)
        values = F.unfold(self.widen(x), self.size, self.dilation, self.padding, self.stride)
        values = values.view(len(x), self.groups, -1, self.size**2, height * width)
        out: Tensor = (kernels * values).sum(3).view(len(x), -1, height, width)
        if self.scale is None or self.shift is None:
            return out
        return torch.addcmul(self.shift[:, None, None], out, self.scale[:, None, None])

    def folded(self, norm: nn.BatchNorm2d) -> "Involution":
        """This operator with the batch norm `norm` as a scale and a shift: it has no weights that could take them."""
        scale, shift = norm_as_affine(norm)
        form = copy.deepcopy(self)
        form.register_parameter("scale", nn.Parameter(scale))
        form.register_parameter("shift", nn.Parameter(shift))
        return form

"""The convolution factory that carries a variant's edits into the blocks.

Blocks never construct their convolutions themselves: they ask a `Make`. The builder hands one `Make` to each layer;
a first pass on the meta device lists every convolution that was asked for, the variant's edits choose among them, and
the second pass builds the chosen operators in place. No module is ever replaced after construction.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from suite.nn.layers import ConvNormAct, LayerNorm2d
from suite.spec.matching import fits
from suite.spec.variant import Norm, Selector

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": partial(nn.ELU, inplace=True),
    "gelu": nn.GELU,
    "hardswish": partial(nn.Hardswish, inplace=True),
    "leaky_relu": partial(nn.LeakyReLU, 0.1, inplace=True),
    "mish": partial(nn.Mish, inplace=True),
    "relu": partial(nn.ReLU, inplace=True),
    "relu6": partial(nn.ReLU6, inplace=True),
    "silu": partial(nn.SiLU, inplace=True),
}
GROUP_CHANNELS = 16  # of a group norm's groups where their number is not stated (arXiv 1803.08494, table 3)
NORMS: dict[str, Callable[[int, int], nn.Module]] = {  # called with channels and groups
    "batch": lambda channels, _: nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03),
    "group": lambda channels, groups: nn.GroupNorm(_fitting(channels, groups), channels),
    "layer": lambda channels, _: LayerNorm2d(channels),
    "instance": lambda channels, _: nn.InstanceNorm2d(channels, affine=True),
}


@dataclass(frozen=True, slots=True)
class Site:
    """One convolution that a block asked for, and where it ended up."""

    part: str
    layer: str  # address of the YAML line, such as "backbone.3"
    block: str
    stage: int  # output stride of the layer, in pixels
    tags: tuple[str, ...]
    index: int  # counts the convolutions of its layer
    path: str  # dotted path in the model
    kernel: int
    stride: int
    groups: int
    in_channels: int
    out_channels: int

    def matches(self, select: Selector) -> bool:
        """Whether every condition of `select` holds; an empty condition always does."""
        return fits(select, self)

    def __str__(self) -> str:
        groups = f", {self.groups} groups" if self.groups > 1 else ""
        return f"{self.path} ({self.kernel}x{self.kernel}, stride {self.stride}{groups}, stage {self.stage})"


@dataclass(frozen=True, slots=True)
class Operator:
    """What takes a convolution's place: called as (in, out, kernel, stride, padding, dilation, groups)."""

    build: Callable[..., nn.Module]
    options: Mapping[str, object]
    address: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A convolution that `Make.conv` has built, with what was asked for."""

    module: nn.Module
    kernel: int
    stride: int
    groups: int
    in_channels: int
    out_channels: int


class Make:
    """Makes the convolutions, norms and activations of one layer; `Make()` makes plain YOLOv5 parts.

    `activation` is a name of ACTIVATIONS; "" is YOLOv5's own.
    """

    def __init__(
        self, operators: Mapping[int, Operator] | None = None, *, activation: str = "", norm: Norm | None = None
    ) -> None:
        self.asked: list[Asked] = []
        self._activation = ACTIVATIONS[activation or "silu"]
        self._norm = norm or Norm()
        self._operators = operators or {}

    def conv(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        padding: int | None = None,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> nn.Module:
        """A convolution, or the operator that an edit puts in its place; no `padding` means "same"."""
        if padding is None:
            padding = dilation * (kernel - 1) // 2
        operator = self._operators.get(len(self.asked))
        module: nn.Module
        if operator is None:
            module = nn.Conv2d(
                in_channels, out_channels, kernel, stride, padding, dilation=dilation, groups=groups, bias=bias
            )
        else:
            module = operator.build(
                in_channels, out_channels, kernel, stride, padding, dilation, groups, **operator.options
            )
        self.asked.append(Asked(module, kernel, stride, groups, in_channels, out_channels))
        return module if operator is None or not bias else Biased(module, out_channels)

    def norm(self, channels: int) -> nn.Module:
        """The variant's norm; YOLOv5's is a batch norm with eps 1e-3 and momentum 0.03."""
        return NORMS[self._norm.kind](channels, self._norm.groups)

    def act(self) -> nn.Module:
        """The variant's activation; YOLOv5's is SiLU."""
        return self._activation()

    def conv_norm_act(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        padding: int | None = None,
        dilation: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> ConvNormAct:
        """Convolution without bias, norm, and the activation unless `act` is False."""
        conv = self.conv(in_channels, out_channels, kernel, stride, padding=padding, dilation=dilation, groups=groups)
        return ConvNormAct(conv, self.norm(out_channels), self.act() if act else nn.Identity())


class Biased(nn.Module):
    """Gives an operator without bias the bias that the convolution it replaces had."""

    def __init__(self, operator: nn.Module, channels: int) -> None:
        super().__init__()
        self.operator = operator
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The operator's shape."""
        out: Tensor = self.operator(x) + self.bias[:, None, None]
        return out


def _fitting(channels: int, groups: int) -> int:
    """So many groups, or groups of 16 channels for 0; what does not divide gives way to the greatest common divisor."""
    return math.gcd(channels, groups) if groups else channels // math.gcd(channels, GROUP_CHANNELS)

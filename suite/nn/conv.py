"""The convolution factory that carries a variant's edits into the blocks.

Blocks never construct their convolutions themselves: they ask a `ConvFactory`. The builder hands one to each layer;
a first pass on the meta device lists every convolution that was asked for, the variant's edits choose among them, and
the second pass builds the chosen operators in place. No module is ever replaced after construction.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from suite.nn.layers import ConvNormAct, LayerNorm2d
from suite.spec.records.variant import Norm, Selector
from suite.spec.solve.matching import fits
from suite.yaml.errors import SpecError
from suite.yaml.mark import Mark

# what a mistake in a block or operator raises: torch's, timm's assertions, and Python's own on code that never ran
MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)

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
GROUP_CHANNELS = (
    16  # of a group norm's groups where their number is not stated (arXiv 1803.08494, table 3)
)
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
    stage: int  # output stride of the layer, in pixels; 0 in the head, which works on several
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
    """What an edit puts in a convolution's place: called as (in, out, kernel, stride, padding, dilation, groups).

    `mark` is the edit's, `place` the convolution in words.
    """

    build: Callable[..., nn.Module]
    options: Mapping[str, object]
    address: str = ""
    place: str = ""
    mark: Mark | None = None

    def __call__(self, *arguments: int) -> nn.Module:
        """The operator; SpecError at the edit where it says that it cannot serve there."""
        try:
            return self.build(*arguments, **self.options)
        except MISTAKES as error:
            message = f"{self.address} cannot take the place of {self.place}: {error}"
            raise SpecError.single(self.mark, "E304", message) from error


@dataclass(frozen=True, slots=True)
class Asked:
    """A convolution that `ConvFactory.conv` has built, with what was asked for."""

    module: nn.Module
    kernel: int
    stride: int
    groups: int
    in_channels: int
    out_channels: int
    padding: int = 0
    dilation: int = 1
    operator: Operator | None = None

    def check(self, _module: nn.Module, args: Sequence[Tensor], out: object) -> None:
        """As a forward hook: SpecError if the operator gives another shape than the convolution would."""
        reach = self.dilation * (self.kernel - 1) + 1
        sides = [(side + 2 * self.padding - reach) // self.stride + 1 for side in args[0].shape[2:]]
        expected = [len(args[0]), self.out_channels, *sides]
        operator = self.operator
        if operator is None or (isinstance(out, Tensor) and list(out.shape) == expected):
            return
        gives = "x".join(map(str, out.shape)) if isinstance(out, Tensor) else type(out).__name__
        message = f"{operator.address} gives {gives} in the place of {operator.place}, which gave "
        hint = "use the kernel, stride, padding and dilation that the operator is called with"
        raise SpecError.single(
            operator.mark, "E304", message + "x".join(map(str, expected)), hint=hint
        )


class ConvFactory:
    """Makes the convolutions, norms and activations of one layer; `ConvFactory()` makes plain YOLOv5 parts.

    `activation` is a name of ACTIVATIONS; "" is YOLOv5's own. Within `start(n)` the n-th convolution is built, which
    decides what it starts from.
    """

    def __init__(
        self,
        operators: Mapping[int, Operator] | None = None,
        *,
        activation: str = "",
        norm: Norm | None = None,
        start: Callable[[int], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.asked: list[Asked] = []
        self._start = start
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
        with self._start(len(self.asked)):
            if operator is None:
                module = nn.Conv2d(
                    in_channels,
                    out_channels,
                    kernel,
                    stride,
                    padding,
                    dilation=dilation,
                    groups=groups,
                    bias=bias,
                )
            else:
                module = operator(
                    in_channels, out_channels, kernel, stride, padding, dilation, groups
                )
        widths = in_channels, out_channels
        self.asked.append(
            Asked(module, kernel, stride, groups, *widths, padding, dilation, operator)
        )
        return module if operator is None or not bias else Biased(module, out_channels)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within it, an operator that gives another shape than the convolution that it replaces raises SpecError."""
        edited = [asked for asked in self.asked if asked.operator]
        handles = [asked.module.register_forward_hook(asked.check) for asked in edited]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

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
        conv = self.conv(
            in_channels,
            out_channels,
            kernel,
            stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )
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

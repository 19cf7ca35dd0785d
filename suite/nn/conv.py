"""The convolution factory that carries a variant's edits into the blocks.

Blocks never construct their convolutions themselves: they ask a `ConvFactory`. The builder hands
one to each layer; a first pass on the meta device lists every convolution that was asked for, the
variant's edits choose among them, and the second pass builds the chosen operators in place. No
module is ever replaced after construction.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import astuple, dataclass
from functools import partial

import torch
from torch import Tensor, nn

from suite.nn.layers import ConvNormAct, LayerNorm2d
from suite.nn.operators import ConvShape
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
# of a group norm's groups where their number is not stated (arXiv 1803.08494, table 3)
GROUP_CHANNELS = 16
# called with channels and groups
NORMS: dict[str, Callable[[int, int], nn.Module]] = {
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

    `mark` is the edit's, `replaced` the convolution in words.
    """

    build: Callable[..., nn.Module]
    options: Mapping[str, object]
    address: str = ""
    replaced: str = ""
    mark: Mark | None = None

    def __call__(self, shape: ConvShape) -> nn.Module:
        """The operator; SpecError at the edit where it says that it cannot serve there."""
        try:
            return self.build(*astuple(shape), **self.options)
        except MISTAKES as error:
            message = f"{self.address} cannot take the place of {self.replaced}: {error}"
            raise SpecError.single(self.mark, "E304", message) from error


@dataclass(frozen=True, slots=True)
class Asked:
    """A convolution that `ConvFactory.conv` has built, with what was asked for."""

    module: nn.Module
    shape: ConvShape
    operator: Operator | None = None

    def check(self, _module: nn.Module, args: Sequence[Tensor], out: object) -> None:
        """As a forward hook: SpecError if the operator gives another shape than the convolution would."""
        sides = map(self.shape.side, args[0].shape[2:])
        expected = [len(args[0]), self.shape.out_channels, *sides]
        operator = self.operator
        if operator is None or (isinstance(out, Tensor) and list(out.shape) == expected):
            return
        gives = "x".join(map(str, out.shape)) if isinstance(out, Tensor) else type(out).__name__
        message = (
            f"{operator.address} gives {gives} in the place of {operator.replaced}, which gave "
        )
        hint = "use the kernel, stride, padding and dilation that the operator is called with"
        raise SpecError.single(
            operator.mark, "E304", message + "x".join(map(str, expected)), hint=hint
        )


class ConvFactory:
    """Makes the convolutions, norms and activations of one layer, which lets a variant's edits into its block.

    A block takes one as its keyword `make` and asks it instead of calling `nn.Conv2d`; what is
    asked for is listed in `asked`, and counted from 0. `ConvFactory()` makes plain YOLOv5 parts.

    Args:
        operators: what to build in the place of a convolution, by its number.
        activation: a name of ACTIVATIONS; "" is YOLOv5's own, SiLU.
        norm: the variant's; None is YOLOv5's own, batch norm.
        start: a context in which the n-th convolution is built, which decides what its weights start from.

    Example:
        >>> make = ConvFactory(activation="relu")
        >>> block = make.conv_norm_act(64, 128, 3, stride=2)  # (B, 64, H, W) to (B, 128, H / 2, W / 2)
        >>> [asked.shape.kernel for asked in make.asked]
        [3]

    Raises:
        KeyError: there is no such activation.
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
        shape = ConvShape(in_channels, out_channels, kernel, stride, padding, dilation, groups)
        operator = self._operators.get(len(self.asked))
        with self._start(len(self.asked)):
            module = shape.conv(bias=bias) if operator is None else operator(shape)
        self._remember(Asked(module, shape, operator))
        return module if operator is None or not bias else Biased(module, out_channels)

    def patches(
        self, in_channels: int, out_channels: int, stride: int, *, bias: bool = True
    ) -> nn.Module:
        """A `stride` x `stride` convolution of that stride: (B, in, H, W) to (B, out, H / stride, W / stride)."""
        return self.conv(in_channels, out_channels, stride, stride, padding=0, bias=bias)

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

    def _remember(self, asked: Asked) -> None:
        self.asked.append(asked)


class _Plain(ConvFactory):
    """Forgets what it was asked for, so that all blocks that are made on their own can share it."""

    def _remember(self, asked: Asked) -> None:
        """Nobody will choose among these."""


PLAIN: ConvFactory = _Plain()
"""YOLOv5's parts without any edit: what a block is made of that nobody gives a factory."""

Make = ConvFactory
"""The earlier name of `ConvFactory`, which block files of users may still import."""


class Biased(nn.Module):
    """Gives an operator without bias the bias that the convolution it replaces had."""

    def __init__(self, operator: nn.Module, channels: int) -> None:
        super().__init__()
        self.operator = operator
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The operator's shape."""
        return self.operator(x) + self.bias[:, None, None]


def _fitting(channels: int, groups: int) -> int:
    """So many groups, or groups of 16 channels for 0; what does not divide gives way to the greatest common divisor."""
    return math.gcd(channels, groups) if groups else channels // math.gcd(channels, GROUP_CHANNELS)

"""What stands in the place of a convolution: the shape that it serves, and how its constructor is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True, slots=True)
class ConvShape:
    """A square convolution (B, in, H, W) to (B, out, H', W') without its bias, in the order that operators are told.

    H' = ⌊(H + 2 · padding - dilation · (kernel - 1) - 1) / stride⌋ + 1, and W' likewise
    (`torch.nn.Conv2d`). The kernel has `out` filters of `in / groups` channels.
    """

    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    @property
    def weight(self) -> tuple[int, int, int, int]:
        """Shape of the kernel: out, in / groups, kernel, kernel."""
        return self.out_channels, self.in_channels // self.groups, self.kernel, self.kernel

    @property
    def same_padding(self) -> int:
        """Pixels on each side that keep the resolution at stride 1 if the kernel is odd."""
        return self.dilation * (self.kernel - 1) // 2

    @property
    def stepping(self) -> dict[str, int]:
        """How the kernel is led over the map, as the keywords of `torch.nn.functional.conv2d`."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def side(self, pixels: int) -> int:
        """Height or width of the result for a map of so many pixels."""
        reach = self.dilation * (self.kernel - 1) + 1
        return (pixels + 2 * self.padding - reach) // self.stride + 1

    def conv(self, *, bias: bool = False) -> nn.Conv2d:
        """The plain convolution of this shape."""
        return nn.Conv2d(
            self.in_channels,
            self.out_channels,
            self.kernel,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            bias,
        )


def takes_place_of_conv(
    *, kernel: int = 1, padding: int = 0
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Turn `__init__(self, shape: ConvShape, *, options)` into the constructor that the language asks of operators.

    That is `(in_channels, out_channels, kernel, stride, padding, dilation, groups, *, options)`;
    `kernel` and `padding` are its defaults. An operator that spells its seven arguments out serves
    as well: to a caller both are the same.

    Example:
        class Plain(nn.Module):
            @takes_place_of_conv()
            def __init__(self, shape: ConvShape, *, bias: bool = False) -> None:
                super().__init__()
                self.conv = shape.conv(bias=bias)

        Plain(16, 32, 3, 2, 1, bias=True)
    """
    usual_kernel, usual_padding = kernel, padding

    def decorated(init: Callable[..., None]) -> Callable[..., None]:
        def constructor(  # noqa: PLR0917  (an operator is called as the convolution that it replaces)
            self: nn.Module,
            in_channels: int,
            out_channels: int,
            kernel: int = usual_kernel,
            stride: int = 1,
            padding: int = usual_padding,
            dilation: int = 1,
            groups: int = 1,
            **options: Any,
        ) -> None:
            shape = ConvShape(in_channels, out_channels, kernel, stride, padding, dilation, groups)
            init(self, shape, **options)

        constructor.__qualname__ = init.__qualname__
        constructor.__doc__ = init.__doc__
        return constructor

    return decorated

"""Intervals of pixels: what the places along one direction of a map see, and how operators change that.

The formulas are those of Araujo, Norris and Sim (Computing Receptive Fields of Convolutional Neural Networks, Distill
2019, doi 10.23915/distill.00021), carried out on the intervals themselves.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

_REMEMBERED = 1 << 14


@dataclass(frozen=True, slots=True)
class Axis:
    """What the places along one direction see: place i the pixels `first[i]` to `last[i]`.

    Place i + len(first) sees what place i does, `step` pixels on. `dim` is the tensor's dimension that the places
    lie along, counted from its end (-1 is the last).
    """

    dim: int
    first: tuple[int, ...] = (0,)
    last: tuple[int, ...] = (0,)
    step: int = 1

    @property
    def pixels(self) -> int:
        """The extent that the farthest seeing place sees."""
        return max(last - first + 1 for first, last in zip(self.first, self.last, strict=True))

    def at(self, place: int) -> tuple[int, int]:
        """The first and the last pixel that a place sees; beyond the borders too."""
        times, index = divmod(place, len(self.first))
        return self.first[index] + times * self.step, self.last[index] + times * self.step


@lru_cache(_REMEMBERED)
def joined(a: Axis, b: Axis) -> Axis | None:
    """What either sees; None where their places do not correspond."""
    if a == b:
        return a
    if a.dim != b.dim or a.step * len(b.first) != b.step * len(a.first):
        return None
    places = math.lcm(len(a.first), len(b.first))
    seen = [(*a.at(i), *b.at(i)) for i in range(places)]
    first = tuple(min(s[0], s[2]) for s in seen)
    return Axis(a.dim, first, tuple(max(s[1], s[3]) for s in seen), a.step * places // len(a.first))


def _read(
    axis: Axis, window: Callable[[int], tuple[int, int]], *, every: int = 1, advance: int = 1
) -> Axis:
    """The axis whose place u sees what the places `window(u)` do; u + `every` reads `advance` places farther on."""
    times = len(axis.first) // math.gcd(len(axis.first), advance)
    seen = []
    for place in range(every * times):
        low, high = window(place)
        ends = [axis.at(i) for i in range(low, high + 1)]
        seen.append((min(end[0] for end in ends), max(end[1] for end in ends)))
    step = axis.step * times * advance // len(axis.first)
    return Axis(axis.dim, tuple(s[0] for s in seen), tuple(s[1] for s in seen), step)


@lru_cache(_REMEMBERED)
def windowed(axis: Axis, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    """After a convolution or pooling: place u reads from u · stride - padding on."""
    return _read(
        axis,
        lambda u: (u * stride - padding, u * stride - padding + dilation * (kernel - 1)),
        advance=stride,
    )


@lru_cache(_REMEMBERED)
def transposed(axis: Axis, kernel: int, stride: int, padding: int, dilation: int) -> Axis:
    """After a transposed convolution: place u reads the places i with u = i · stride - padding + dilation · tap."""

    def window(u: int) -> tuple[int, int]:
        high = (u + padding) // stride
        return min(-(-(u + padding - dilation * (kernel - 1)) // stride), high), high

    return _read(axis, window, every=stride)


@lru_cache(_REMEMBERED)
def enlarged(axis: Axis, factor: int, *, bilinear: bool) -> Axis:
    """After nearest or bilinear enlarging (without aligned corners) by a whole factor."""

    def window(u: int) -> tuple[int, int]:
        if not bilinear:
            return u // factor, u // factor
        # (u + 1/2) / factor - 1/2, as a fraction
        place, rest = divmod(2 * u + 1 - factor, 2 * factor)
        return place, place + bool(rest)

    return _read(axis, window, every=factor)

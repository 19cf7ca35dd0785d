"""Draws one scene of the built-in data set: textured shapes on a noisy ground, in integer arithmetic throughout.

A pixel is a palette index: colour x 16 + shade. Sixteen colours belong to the scene, and light, texture and noise
only move the shade. So a scene is drawn in one channel and still has a palette of its own in 24-bit colour.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.datasets.random import RandomStream

SHAPES = ("disc", "square", "triangle", "cross")
_COLOURS, _SHADES = 16, 16
_GROUND_COLOURS = (
    4  # the first colours are the ground's and the distractors', the others the objects'
)
_UNIT = 12  # bits behind the point of a rotated coordinate
_HIDDEN_TENTHS = 6  # an object of which more than this many tenths are hidden gets no annotation

# Sides in pixels of a 128-pixel scene. COCO has 41 % small objects (area below 32 x 32), 34 % medium and 24 % large
# (above 96 x 96) and 7.3 in a picture; at 128 pixels there is room for one large object and a few before it.
_SMALL, _MEDIUM, _LARGE = (16, 30), (30, 56), (112, 127)
_SMALL_PERCENT, _LARGE_SCENES_PERCENT = 55, 10
_COUNT, _COUNT_BEFORE_LARGE = (4, 11), (1, 4)
_TILT = 20  # degrees to either side: a square stays a square, a triangle points down
_SPOTS = 4  # places tried for an object; the one that covers least of the others is taken


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """An annotated object: the index of its shape, the box (x, y, w, h) and the number of its visible pixels."""

    shape: int
    box: tuple[int, int, int, int]
    area: int


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Palette indices (H, W), palette (256, 3) RGB, and the annotated things."""

    indices: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    things: tuple[Thing, ...]


def draw_scene(stream: RandomStream, size: int) -> Scene:
    """One scene of `size` x `size` pixels; boxes enclose exactly the visible pixels, as COCO's do.

    An object that later ones hide by more than 60 % (of what lies inside the scene) stays without annotation.
    """
    palette = _palette(stream)
    noise = _noise(stream, size)
    colours, shades = _ground(stream, size, noise)
    _distract(stream, colours, shades)
    owner = np.zeros((size, size), np.int64)  # 0: ground
    taken: list[_Spot] = []
    shapes, drawn = [], []
    for side in _sides(stream, size):
        spot = _free_spot(stream, size, side // 2, taken)
        taken.append(spot)
        shapes.append(stream.integer(len(SHAPES)))
        drawn.append(
            _Painter(stream, spot).paint(shapes[-1], len(shapes), owner, (colours, shades))
        )
    shades = np.clip(shades + noise, 0, _SHADES - 1)
    indices = (colours * _SHADES + shades).astype(np.uint8)
    return Scene(indices, palette, _visible(owner, shapes, drawn))


def _palette(stream: RandomStream) -> NDArray[np.uint8]:
    """A dull ground and strong objects, each colour in shades from 5/8 to 35/32 of its brightness."""
    rolls = stream.bytes(_COLOURS * 4).reshape(_COLOURS, 4).astype(np.int64)
    grey, tint = rolls[:, 3:] * 7 // 16 + 48, (rolls[:, :3] - 128) // 6
    strong = rolls[:, :3] * 7 // 8
    rows = np.arange(_COLOURS)
    first = rolls[:, 3] % 3
    second = (first + 1 + (rolls[:, 3] >> 7)) % 3
    strong[rows, first] = 224 + rolls[:, 3] // 16
    strong[rows, second] //= 3
    colours = np.where(rows[:, None] < _GROUND_COLOURS, grey + tint, strong)
    light = np.arange(20, 20 + _SHADES)
    lit: NDArray[np.int64] = np.clip(colours[:, None] * light[:, None] // 32, 0, 255)
    return lit.astype(np.uint8).reshape(_COLOURS * _SHADES, 3)


def _noise(stream: RandomStream, size: int) -> NDArray[np.int64]:
    """Sum of two stream, -a to a, with one strength for the scene."""
    strength = stream.between(1, 4)
    rolls = stream.bytes(2 * size * size).reshape(2, size, size).astype(np.int64)
    scaled: NDArray[np.int64] = rolls * (strength + 1) >> 8
    total: NDArray[np.int64] = scaled[0] + scaled[1] - strength
    return total


def _ground(
    stream: RandomStream, size: int, noise: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two colours that pass into each other along a random direction, with a gradient of light across it."""
    cosine, sine = _direction(stream.integer(360))
    y, x = np.mgrid[0:size, 0:size] - size // 2
    along, across = x * cosine + y * sine, y * cosine - x * sine
    first, second = stream.integer(_GROUND_COLOURS), stream.integer(_GROUND_COLOURS)
    edge = (along >> (_UNIT - 1)) + noise * stream.between(2, 12)
    colours = np.where(edge > stream.between(-size // 2, size // 2), first, second)
    shades = stream.between(4, 11) + across * stream.between(0, 6) // (size << _UNIT)
    return colours, shades


def _distract(stream: RandomStream, colours: NDArray[np.int64], shades: NDArray[np.int64]) -> None:
    """Lines of one or two pixels in the ground's colours or, one in six, in any."""
    size = len(colours)
    steps = np.arange(size)
    for _ in range(stream.between(2, 6)):
        cosine, sine = _direction(stream.integer(360))
        length, width = stream.between(size // 4, size), stream.between(1, 2)
        x = stream.integer(size) + (steps[:length] * cosine >> _UNIT)
        y = stream.integer(size) + (steps[:length] * sine >> _UNIT)
        colour = stream.integer(_COLOURS if stream.integer(6) == 0 else _GROUND_COLOURS)
        for shift in range(width):
            px, py = (x, y + shift) if abs(cosine) > abs(sine) else (x + shift, y)
            inside = (px >= 0) & (px < size) & (py >= 0) & (py < size)
            colours[py[inside], px[inside]] = colour
            shades[py[inside], px[inside]] = _SHADES // 2


def _sides(stream: RandomStream, size: int) -> list[int]:
    """Sides of the objects in the order they are drawn: a large one lies behind the others."""
    is_large = stream.integer(100) < _LARGE_SCENES_PERCENT
    count = stream.between(*(_COUNT_BEFORE_LARGE if is_large else _COUNT))
    ranges = [_LARGE] * is_large
    ranges += [_SMALL if stream.integer(100) < _SMALL_PERCENT else _MEDIUM for _ in range(count)]
    return [max(stream.between(low, high) * size // 128, 6) for low, high in ranges]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Centre and half the side of an object."""

    x: int
    y: int
    half: int

    def overlap(self, other: "_Spot") -> int:
        """Pixels that the squares around two objects share."""
        width = min(self.x + self.half, other.x + other.half) - max(
            self.x - self.half, other.x - other.half
        )
        height = min(self.y + self.half, other.y + other.half) - max(
            self.y - self.half, other.y - other.half
        )
        return max(width, 0) * max(height, 0)


def _free_spot(stream: RandomStream, size: int, half: int, taken: list[_Spot]) -> _Spot:
    margin = min(half * 3 // 4, size // 2)  # up to an eighth of it may lie outside
    spots = [
        _Spot(
            margin + stream.integer(size - 2 * margin + 1),
            margin + stream.integer(size - 2 * margin + 1),
            half,
        )
        for _ in range(_SPOTS)
    ]
    return min(spots, key=lambda spot: sum(spot.overlap(other) for other in taken))


class _Painter:
    """Where one object lies and how it looks."""

    def __init__(self, stream: RandomStream, spot: _Spot) -> None:
        self._x, self._y, self._half = spot.x, spot.y, spot.half
        self._cosine, self._sine = _direction(stream.between(-_TILT, _TILT))
        self._flatten = stream.between(13, 20)  # sixteenths: how much the second axis is compressed
        self._colours = tuple(stream.between(_GROUND_COLOURS, _COLOURS - 1) for _ in range(2))
        self._shade = stream.between(5, 10)
        self._texture = stream.integer(4)
        self._period = stream.between(1, 3) + _UNIT

    def paint(
        self,
        shape: int,
        number: int,
        owner: NDArray[np.int64],
        ground: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> int:
        """Cover the ground and what lies there; the object's number of pixels inside the scene."""
        rows, columns, u, v = self._window(len(owner))
        mask = _inside(shape, u, v, self._half << _UNIT)
        colour = np.where(
            _texture(self._texture, u >> self._period, v >> self._period), *self._colours
        )
        for canvas, value in ((owner, number), (ground[0], colour), (ground[1], self._shade)):
            window = canvas[rows, columns]
            np.copyto(window, value, where=mask)
        return int(np.count_nonzero(mask))

    def _window(self, size: int) -> tuple[slice, slice, NDArray[np.int64], NDArray[np.int64]]:
        """The square that holds the object in any rotation, and its own rotated coordinates there."""
        reach = self._half * 3 // 2 + 1
        left, top = max(self._x - reach, 0), max(self._y - reach, 0)
        right, bottom = min(self._x + reach + 1, size), min(self._y + reach + 1, size)
        dx = np.arange(left, right)[None, :] - self._x
        dy = np.arange(top, bottom)[:, None] - self._y
        u = dx * self._cosine + dy * self._sine
        v = (dy * self._cosine - dx * self._sine) * self._flatten >> 4
        return slice(top, bottom), slice(left, right), u, v


def _inside(shape: int, u: NDArray[np.int64], v: NDArray[np.int64], half: int) -> NDArray[np.bool_]:
    width, height = np.abs(u), np.abs(v)
    inside: NDArray[np.bool_]
    if shape == 0:
        inside = (u >> 4) ** 2 + (v >> 4) ** 2 <= (half >> 4) ** 2
    elif shape == 1:
        inside = (width <= half * 7 // 8) & (height <= half * 7 // 8)
    elif shape == 2:
        inside = (2 * width <= half - v) & (height <= half)
    else:
        bar = half // 3
        inside = ((width <= bar) & (height <= half)) | ((height <= bar) & (width <= half))
    return inside


def _texture(kind: int, u: NDArray[np.int64], v: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Plain, striped, chequered or dotted."""
    main: NDArray[np.bool_]
    if kind == 0:
        main = np.ones_like(u, dtype=bool)
    elif kind == 1:
        main = u & 1 == 0
    elif kind == 2:
        main = (u ^ v) & 1 == 0
    else:
        main = (u & 3 != 0) | (v & 3 != 0)
    return main


def _direction(degrees: int) -> tuple[int, int]:
    """Cosine and sine in units of 2**-12 by Bhaskara's formula: whole numbers, so equal everywhere (error < 0.002)."""
    return _sine(degrees + 90), _sine(degrees)


def _sine(degrees: int) -> int:
    half = degrees % 180
    bow = half * (180 - half)
    value = (4 * bow << _UNIT) // (40500 - bow)
    return value if degrees % 360 < 180 else -value


def _visible(owner: NDArray[np.int64], shapes: list[int], drawn: list[int]) -> tuple[Thing, ...]:
    things = []
    left = np.bincount(owner.ravel(), minlength=len(shapes) + 1)
    for number, (shape, pixels) in enumerate(zip(shapes, drawn, strict=True), start=1):
        area = int(left[number])
        if 10 * area < (10 - _HIDDEN_TENTHS) * pixels or area == 0:
            continue
        mask = owner == number
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        x, y = int(columns[0]), int(rows[0])
        things.append(Thing(shape, (x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y), area))
    return tuple(things)

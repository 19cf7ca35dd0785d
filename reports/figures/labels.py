"""Names beside the points of a scatter plot, where they cover neither a dot nor another name."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from reports.figures.canvas import printable
from reports.figures.theme import INK, MUTED
from reports.words import Mark

# display units of an average letter at 12 units, and of a line; names are placed with them, not drawn
_LETTER, _LINE = 6.6, 14.0

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in display units."""
Offset = tuple[float, float, str]
"""The offset of a name from its point in units of text, and which end of it stands there."""

_OFFSETS: tuple[Offset, ...] = (
    (11, 7, "left"),
    (-11, 7, "right"),
    (11, -13, "left"),
    (-11, -13, "right"),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One variant: accuracy with its interval over a cost with its interval (equal bounds: exact)."""

    name: str
    x: tuple[float, float, float]  # low, value, high
    y: tuple[float, float, float]
    mark: Mark


def label_points(
    axes: Axes, points: Sequence[Point], best: set[Point], everyone: Sequence[Point]
) -> None:
    """Write names where they cover neither a dot nor another name; one that fits nowhere is left to its tooltip."""
    taken = [_around(*_on_screen(axes, p), 7.0) for p in everyone]
    frame = axes.get_window_extent()
    limits = (frame.x0, frame.y0, frame.x1, frame.y1)
    for point in sorted(points, key=lambda p: (p not in best, p.mark != "base", p.x[1])):
        for offset in _OFFSETS:
            box = _box(axes, point, offset)
            if _inside(box, limits) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                _write(axes, point, offset, strong=point in best)
                break


def _box(axes: Axes, point: Point, offset: Offset) -> Box:
    """What the name of a point would cover there."""
    dx, dy, anchor = offset
    scale = axes.figure.dpi / 72
    x, y = _on_screen(axes, point)
    wide = len(point.name) * _LETTER * scale
    left = x + dx * scale - (wide if anchor == "right" else 0.0)
    bottom = y + (dy - 4) * scale
    return (left, bottom, left + wide, bottom + _LINE * scale)


def _write(axes: Axes, point: Point, offset: Offset, *, strong: bool) -> None:
    dx, dy, anchor = offset
    axes.annotate(
        printable(point.name),
        (point.x[1], point.y[1]),
        xytext=(dx, dy),
        textcoords="offset points",
        ha=anchor,
        va="baseline",
        color=INK if strong else MUTED,
        fontweight="bold" if strong else "normal",
    )


def _on_screen(axes: Axes, point: Point) -> tuple[float, float]:
    x, y = axes.transData.transform((point.x[1], point.y[1]))
    return float(x), float(y)


def _around(x: float, y: float, radius: float) -> Box:
    return (x - radius, y - radius, x + radius, y + radius)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inside(box: Box, limits: Box) -> bool:
    return (
        box[0] >= limits[0] and box[1] >= limits[1] and box[2] <= limits[2] and box[3] <= limits[3]
    )

"""Accuracy over cost: which variants are worth their price."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from reports.figures.canvas import GRID, INK, MUTED, Canvas, printable
from reports.figures.marks import WORDS, Mark, colour, dot

_LETTER = (
    6.6  # display units of an average letter at 12 units; labels are only placed with it, not drawn
)
_LINE = 14.0
_LABEL_ALL = 14  # above that many points only the front is labelled


@dataclass(frozen=True, slots=True)
class Point:
    """One variant: accuracy with its interval over a cost with its interval (equal bounds: exact)."""

    name: str
    x: tuple[float, float, float]  # low, value, high
    y: tuple[float, float, float]
    mark: Mark


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points that no other beats on both axes (less x, more y), by rising x."""
    best = float("-inf")
    chosen = []
    for point in sorted(points, key=lambda p: (p.x[1], -p.y[1], p.name)):
        if point.y[1] > best:
            best = point.y[1]
            chosen.append(point)
    return tuple(chosen)


def draw(points: Sequence[Point], *, name: str, titles: tuple[str, str], label: str) -> Markup:
    """The scatter with error bars, the front as a step line, and labels on the front.

    Args:
        points: at least one variant.
        name: unique in the page.
        titles: of the x and the y axis, with units.
        label: what the figure shows, for those who do not see it.
    """
    canvas = Canvas(name, label, height=6.4)
    axes = canvas.figure.subplots()
    best = front(points)
    _step(axes, best)
    for point in points:
        _whiskers(axes, point)
        artist = dot(axes, point.x[1], point.y[1], point.mark)
        canvas.tip(artist, _tooltip(point, titles), point.name)
    _axes(axes, points, titles)
    canvas.figure.draw_without_rendering()  # fixes the layout, which the labels need
    labelled = points if len(points) <= _LABEL_ALL else best
    label_points(axes, [p for p in points if p in labelled], set(best), points)
    return canvas.svg()


def _tooltip(point: Point, titles: tuple[str, str]) -> str:
    def told(values: tuple[float, float, float]) -> str:
        low, value, high = values
        return f"{value:.4g}" if low == high else f"{value:.4g} ({low:.4g} to {high:.4g})"

    return f"{point.name}, {WORDS[point.mark]}\n{titles[0]}: {told(point.x)}\n{titles[1]}: {told(point.y)}"


def _step(axes: Axes, best: Sequence[Point]) -> None:
    xs = [p.x[1] for p in best]
    ys = [p.y[1] for p in best]
    axes.step(
        [*xs, xs[-1] * 1e3],
        [*ys, ys[-1]],
        where="post",
        color=INK,
        linewidth=1.2,
        linestyle=(0, (1, 2.5)),
    )


def _whiskers(axes: Axes, point: Point) -> None:
    shade = colour(point.mark)
    axes.plot(point.x[::2], [point.y[1]] * 2, color=shade, linewidth=1.6, alpha=0.55, zorder=2)
    axes.plot([point.x[1]] * 2, point.y[::2], color=shade, linewidth=1.6, alpha=0.55, zorder=2)


def _axes(axes: Axes, points: Sequence[Point], titles: tuple[str, str]) -> None:
    low, high = min(p.x[0] for p in points), max(p.x[2] for p in points)
    bottom, top = min(p.y[0] for p in points), max(p.y[2] for p in points)
    margin = max(top - bottom, 0.02) * 0.09
    axes.set_xscale("log")
    axes.set_xlim(low / 1.12, high * 1.2)
    axes.set_ylim(max(bottom - margin, 0.0), top + margin)
    axes.set_xlabel(titles[0])
    axes.set_title(titles[1], fontsize=12, fontweight="normal", color=MUTED)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(visible=True, color=GRID)


Box = tuple[float, float, float, float]  # left, bottom, right, top, in display units


def label_points(
    axes: Axes, points: Sequence[Point], best: set[Point], everyone: Sequence[Point]
) -> None:
    """Write names where they cover neither a dot nor another name; one that fits nowhere is left to its tooltip."""
    taken = [_around(*_on_screen(axes, p), 7.0) for p in everyone]
    frame = axes.get_window_extent()
    limits = (frame.x0, frame.y0, frame.x1, frame.y1)
    scale = axes.figure.dpi / 72
    for point in sorted(points, key=lambda p: (p not in best, p.mark != "base", p.x[1])):
        x, y = _on_screen(axes, point)
        wide = len(point.name) * _LETTER * scale
        for dx, dy, anchor in (
            (11, 7, "left"),
            (-11, 7, "right"),
            (11, -13, "left"),
            (-11, -13, "right"),
        ):
            left = x + dx * scale - (wide if anchor == "right" else 0.0)
            bottom = y + (dy - 4) * scale
            box = (left, bottom, left + wide, bottom + _LINE * scale)
            if _inside(box, limits) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                _write(axes, point, (dx, dy), anchor=anchor, strong=point in best)
                break


def _write(
    axes: Axes, point: Point, offset: tuple[float, float], *, anchor: str, strong: bool
) -> None:
    axes.annotate(
        printable(point.name),
        (point.x[1], point.y[1]),
        xytext=offset,
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

"""Accuracy over cost: which variants are worth their price."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from reports.figures.canvas import Canvas
from reports.figures.labels import Point, label_points
from reports.figures.marks import Spot, scatter
from reports.figures.svg import Tip
from reports.figures.theme import GRID, INK, MEANINGS, MUTED, PALETTE

_LABEL_ALL = 14  # above that many points only the front is labelled


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
    scatter(canvas, axes, [_spot(point, titles) for point in points])
    _axes(axes, points, titles)
    canvas.figure.draw_without_rendering()  # fixes the layout, which the labels need
    labelled = points if len(points) <= _LABEL_ALL else best
    label_points(axes, [p for p in points if p in labelled], set(best), points)
    return canvas.svg()


def _spot(point: Point, titles: tuple[str, str]) -> Spot:
    lines = [
        f"{point.name}, {MEANINGS[point.mark]}",
        f"{titles[0]}: {_ranged(point.x)}",
        f"{titles[1]}: {_ranged(point.y)}",
    ]
    return Spot(point.x[1], point.y[1], point.mark, Tip("\n".join(lines), point.name))


def _ranged(values: tuple[float, float, float]) -> str:
    low, value, high = values
    return f"{value:.4g}" if low == high else f"{value:.4g} ({low:.4g} to {high:.4g})"


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
    """The bounds of both axes: known, not computed from samples, so no plot of seaborn's takes them."""
    style: dict[str, Any] = {
        "colors": PALETTE[point.mark],
        "linewidth": 1.6,
        "alpha": 0.55,
        "zorder": 2,
    }
    axes.hlines(point.y[1], point.x[0], point.x[2], **style)
    axes.vlines(point.x[1], point.y[0], point.y[2], **style)


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

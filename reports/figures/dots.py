"""Dots with intervals on a common axis: ratios to a base, copies against their original, counters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from reports.figures.canvas import Canvas, name_rows, only_grid
from reports.figures.marks import Spot, scatter
from reports.figures.svg import Tip
from reports.figures.theme import INK, MUTED, PALETTE
from reports.words import Mark

_ROW = 0.42
_TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class Dot:
    """One estimate; `low` equal to `high` draws no interval. A hollow dot is the second kind of a pair.

    The interval is thicker over its `core`.
    """

    row: str  # what stands beside it
    variant: str
    value: float
    low: float
    high: float
    mark: Mark
    tip: str
    hollow: bool = False
    core: tuple[float, float] | None = None


def forest(
    dots: Sequence[Dot],
    *,
    name: str,
    title: str,
    label: str,
    band: float = 0.0,
    scale: Literal["linear", "symlog"] = "linear",
) -> Markup:
    """Rows of dots around zero, in per cent, with a band of what means nothing.

    The intervals are known bounds, which seaborn's point plot cannot take (it computes its own from samples), so they
    are drawn as lines under seaborn's marks.

    Args:
        dots: rows appear in the order of their first dot; two dots of a row are set apart a little.
        name: unique in the page.
        title: of the x axis.
        label: what the figure shows, for those who do not see it.
        band: half-width of the shaded band, in per cent.
        scale: `symlog` is linear up to 1 % and logarithmic beyond.
    """
    rows = list(dict.fromkeys(dot.row for dot in dots))
    canvas = Canvas(name, label, height=1.0 + _ROW * len(rows))
    axes = canvas.figure.subplots()
    if band:
        axes.axvspan(-band, band, color=MUTED, alpha=0.14, linewidth=0)
    axes.axvline(0, color=INK, linewidth=1)
    heights = [rows.index(dot.row) + (0.2 if dot.hollow else -0.14) for dot in dots]
    for dot, y in zip(dots, heights, strict=True):
        if dot.low != dot.high:
            width = 1.4 if dot.hollow else 2.4
            axes.hlines(y, dot.low, dot.high, colors=PALETTE[dot.mark], linewidth=width, zorder=3)
        if dot.core and dot.core != (dot.low, dot.high):
            width = 2.8 if dot.hollow else 4.4
            axes.hlines(y, *dot.core, colors=PALETTE[dot.mark], linewidth=width, zorder=3)
    spots = [_spot(dot, y) for dot, y in zip(dots, heights, strict=True)]
    scatter(canvas, axes, spots)
    _scale(axes, dots, scale)
    name_rows(axes, rows)
    axes.set_xlabel(title)
    only_grid(axes, "x")
    return canvas.svg()


def _spot(dot: Dot, y: float) -> Spot:
    scale = 0.75 if dot.hollow else 0.9
    return Spot(dot.value, y, dot.mark, Tip(dot.tip, dot.variant), dot.hollow, scale)


def _scale(axes: Axes, dots: Sequence[Dot], scale: str) -> None:
    if scale == "symlog":
        _symlog(axes, dots)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.xaxis.set_major_formatter(FuncFormatter(signed_percent_tick))


def signed_percent_tick(value: float, _: object = None) -> str:
    """The text of a tick in per cent, with a true minus sign; a bare 0."""
    return f"{value:+g} %".replace("-", "−") if value else "0"


def _symlog(axes: Axes, dots: Sequence[Dot]) -> None:
    axes.set_xscale("symlog", linthresh=1.0, linscale=0.8)
    reach = max(abs(value) for dot in dots for value in (dot.low, dot.value, dot.high))
    ticks = [tick for tick in _TICKS if tick <= max(reach * 1.3, 1.0)]
    negative = [-tick for tick in ticks] if min(dot.low for dot in dots) < -0.5 else [-0.5, -1]
    positive = ticks if max(dot.high for dot in dots) > 0.5 else [0.5, 1]
    axes.set_xticks([*reversed(negative), 0, *positive])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(min(negative) * 1.15, max(positive) * 1.15)

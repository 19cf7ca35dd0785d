"""Dots with intervals on a common axis: ratios to a base, copies against their original, differences of counters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from reports.figures.canvas import INK, MUTED, Canvas, only_grid, printable
from reports.figures.marks import Mark, dot, span

_ROW = 0.42


@dataclass(frozen=True, slots=True)
class Dot:
    """One estimate; `low` equal to `high` draws no interval. A hollow dot is the second kind of a pair."""

    row: str  # what stands beside it
    variant: str
    value: float
    low: float
    high: float
    mark: Mark
    tip: str
    hollow: bool = False


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

    Args:
        dots: rows appear in the order of their first dot; two dots of a row are set apart a little.
        name: unique in the page.
        title: of the x axis.
        label: what the figure shows, for those who do not see it.
        band: half-width of the shaded band, in per cent.
        scale: `symlog` is linear up to 1 % and logarithmic beyond.
    """
    rows = list(dict.fromkeys(d.row for d in dots))
    canvas = Canvas(name, label, height=1.0 + _ROW * len(rows))
    axes = canvas.figure.subplots()
    if band:
        axes.axvspan(-band, band, color=MUTED, alpha=0.14, linewidth=0)
    axes.axvline(0, color=INK, linewidth=1)
    for item in dots:
        _dot(canvas, axes, item, rows)
    _scale(axes, dots, scale)
    axes.set_yticks(range(len(rows)), [printable(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(title)
    only_grid(axes, "x")
    return canvas.svg()


def _dot(canvas: Canvas, axes: Axes, item: Dot, rows: Sequence[str]) -> None:
    y = rows.index(item.row) + (0.2 if item.hollow else -0.14)
    if item.low != item.high:
        span(axes, item.low, item.high, y, item.mark, width=1.4 if item.hollow else 2.4)
    artist = dot(
        axes, item.value, y, item.mark, scale=0.75 if item.hollow else 0.9, hollow=item.hollow
    )
    canvas.tip(artist, item.tip, item.variant)


def _scale(axes: Axes, dots: Sequence[Dot], scale: str) -> None:
    if scale == "symlog":
        _symlog(axes, dots)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{x:+g} %".replace("-", "−") if x else "0")
    )


def _symlog(axes: Axes, dots: Sequence[Dot]) -> None:
    axes.set_xscale("symlog", linthresh=1.0, linscale=0.8)
    reach = max(abs(value) for d in dots for value in (d.low, d.value, d.high))
    marks = [
        t for t in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if t <= max(reach * 1.3, 1.0)
    ]
    negative = [-t for t in marks] if min(d.low for d in dots) < -0.5 else [-0.5, -1]
    positive = marks if max(d.high for d in dots) > 0.5 else [0.5, 1]
    axes.set_xticks([*reversed(negative), 0, *positive])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(min(negative) * 1.15, max(positive) * 1.15)

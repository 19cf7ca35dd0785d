"""The marks of verdicts: one seaborn scatter plot, whose every point has a tooltip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import seaborn as sns
from matplotlib.axes import Axes

from reports.figures.canvas import Canvas
from reports.figures.svg import Tip
from reports.figures.theme import MARKERS, PALETTE, PANEL
from reports.words import Mark

_SIZES: dict[Mark, float] = {
    "base": 8.5,
    "better": 11.0,
    "worse": 11.0,
    "equal": 7.5,
    "same": 8.5,
    "bad": 10.0,
}


@dataclass(frozen=True, slots=True)
class Spot:
    """One point in data coordinates. A hollow one is the second kind of a pair; `scale` is of its diameter."""

    x: float
    y: float
    mark: Mark
    tip: Tip
    hollow: bool = False
    scale: float = 1.0


def scatter(canvas: Canvas, axes: Axes, spots: Sequence[Spot]) -> None:
    """Draw marks, ringed in the panel's colour so that overlapping ones stay apart."""
    if not spots:
        return
    marks = [spot.mark for spot in spots]
    sns.scatterplot(
        x=[spot.x for spot in spots],
        y=[spot.y for spot in spots],
        hue=marks,
        style=marks,
        palette=PALETTE,
        markers=MARKERS,
        legend=False,
        zorder=4,
        ax=axes,
    )
    points: Any = axes.collections[-1]
    colours = [PALETTE[mark] for mark in marks]
    hollow = [spot.hollow for spot in spots]
    points.set_sizes([(_SIZES[spot.mark] * spot.scale) ** 2 for spot in spots])
    points.set_facecolor([PANEL if h else c for h, c in zip(hollow, colours, strict=True)])
    points.set_edgecolor([c if h else PANEL for h, c in zip(hollow, colours, strict=True)])
    points.set_linewidth([1.6 if h else 1.2 for h in hollow])
    canvas.tips(points, [spot.tip for spot in spots])

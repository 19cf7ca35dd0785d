"""Curves in the unit square: precision over recall, precision over score. One panel for each variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from reports.figures.canvas import Canvas, only_grid
from reports.figures.grid import Grid
from reports.figures.theme import INK, MUTED, PALETTE
from reports.words import Mark


@dataclass(frozen=True, slots=True)
class Line:
    """A curve of one variant; its first is drawn thick, and the base's first is dotted beside the others' too."""

    variant: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    tip: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What the axes say, and whether the diagonal means something."""

    x: str
    y: str
    diagonal: bool = False


def panels(
    lines: Sequence[Line],
    frame: Frame,
    *,
    base: str,
    marks: Mapping[str, Mark],
    name: str,
    label: str,
) -> Markup:
    """One panel per variant, in the order of their first lines; `name` is unique in the page."""
    grid = Grid(
        list(dict.fromkeys(line.variant for line in lines)), name=name, label=label, row=2.35
    )
    reference = next((line for line in lines if line.variant == base), None)
    for variant, axes in grid:
        curves = [line for line in lines if line.variant == variant]
        _panel(grid.canvas, axes, curves, colour=PALETTE[marks.get(variant, "same")])
        if reference is not None and variant != base:
            dotted = (0, (1, 2))
            axes.plot(
                reference.x, reference.y, color=INK, linewidth=1.1, linestyle=dotted, zorder=4
            )
        if frame.diagonal:
            axes.plot((0, 1), (0, 1), color=MUTED, linewidth=0.8, zorder=1)
    grid.first.set(xlim=(0, 1.02), ylim=(0, 1.02))
    for axis in (grid.first.xaxis, grid.first.yaxis):
        axis.set_major_locator(FixedLocator((0, 0.5, 1)))
    grid.canvas.figure.supxlabel(frame.x, fontsize=12, color=MUTED)
    grid.canvas.figure.supylabel(frame.y, fontsize=12, color=MUTED)
    return grid.canvas.svg()


def _panel(canvas: Canvas, axes: Axes, curves: Sequence[Line], *, colour: str) -> None:
    for index, line in enumerate(curves):
        sns.lineplot(
            x=line.x,
            y=line.y,
            estimator=None,
            sort=False,
            color=colour,
            linewidth=1.0 if index else 2.2,
            alpha=0.75 if index else 1.0,
            ax=axes,
        )
        canvas.tip(axes.lines[-1], line.tip, line.variant)
    only_grid(axes, "y")

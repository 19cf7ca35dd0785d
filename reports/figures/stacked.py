"""Where the cost sits: one bar per variant, cut into parts or stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from reports.figures.canvas import Canvas, name_rows, only_grid
from reports.figures.theme import PANEL, SERIES

_ROW = 0.36  # inches of a bar with its gap


@dataclass(frozen=True, slots=True)
class Panel:
    """One way to cut the bars: the names of the pieces, and for each variant their sizes."""

    title: str
    pieces: tuple[str, ...]
    bars: tuple[tuple[str, tuple[float, ...]], ...]  # variant, one value per piece


def draw(panels: Sequence[Panel], *, name: str, unit: str, label: str) -> Markup:
    """Stacked horizontal bars, one panel per cut, over the same variants in the same order."""
    rows = len(panels[0].bars)
    canvas = Canvas(name, label, height=1.25 + _ROW * rows)
    grid = canvas.figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        _panel(canvas, axes, panel, unit)
    return canvas.svg()


def _panel(canvas: Canvas, axes: Axes, panel: Panel, unit: str) -> None:
    sizes = pd.DataFrame(
        [
            {"row": row, "piece": piece, "size": size}
            for row, (_, values) in enumerate(panel.bars)
            for piece, size in zip(panel.pieces, values, strict=True)
        ]
    )
    # seaborn stacks the last level first
    sns.histplot(
        data=sizes,
        y="row",
        weights="size",
        hue="piece",
        hue_order=panel.pieces[::-1],
        palette=dict(zip(panel.pieces, SERIES, strict=False)),
        multiple="stack",
        discrete=True,
        shrink=0.66,
        alpha=1,
        edgecolor=PANEL,
        linewidth=0.8,
        legend=False,
        ax=axes,
    )
    stacks: Any = axes.containers  # one for each piece
    for column, (piece, bars) in enumerate(zip(panel.pieces, stacks, strict=True)):
        for bar, (variant, values) in zip(bars, panel.bars, strict=True):
            share = f"{values[column] / sum(values):.0%}" if sum(values) else "0%"
            tip = f"{variant}, {piece}: {values[column]:.3g} {unit} ({share})"
            canvas.tip(bar, tip, variant)
    name_rows(axes, [variant for variant, _ in panel.bars])
    axes.set_xlabel(unit)
    only_grid(axes, "x")
    _legend(axes, panel)


def _legend(axes: Axes, panel: Panel) -> None:
    colours = zip(panel.pieces, SERIES, strict=False)
    axes.legend(
        handles=[Patch(color=shade, label=piece) for piece, shade in colours],
        title=panel.title,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(panel.pieces),
        alignment="left",
        title_fontproperties={"weight": "bold", "size": 12},
        handlelength=0.9,
        handleheight=0.9,
        handletextpad=0.5,
        columnspacing=1.4,
        borderpad=0.1,
        fontsize=11.5,
    )

"""Where the cost sits: one bar per variant, cut into parts or stages."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from reports.figures.canvas import PANEL, SERIES, Canvas, only_grid, printable

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
    for row, (variant, values) in enumerate(panel.bars):
        total = sum(values)
        left = 0.0
        for piece, value, shade in zip(panel.pieces, values, SERIES, strict=False):
            (bar,) = axes.barh(
                row, value, 0.66, left=left, color=shade, edgecolor=PANEL, linewidth=0.8
            )
            share = f"{value / total:.0%}" if total else "0%"
            canvas.tip(bar, f"{variant}, {piece}: {value:.3g} {unit} ({share})", variant)
            left += value
    axes.set_yticks(range(len(panel.bars)), [printable(variant) for variant, _ in panel.bars])
    axes.set_ylim(len(panel.bars) - 0.4, -0.6)
    axes.set_xlabel(unit)
    only_grid(axes, "x")
    axes.legend(
        handles=[
            Patch(color=shade, label=piece)
            for piece, shade in zip(panel.pieces, SERIES, strict=False)
        ],
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

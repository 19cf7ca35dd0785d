"""Shapes and colours that mean the same in every plot; the shape alone is enough to read them."""

from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.figures.canvas import BAD, BETTER, INK, PANEL, SAME, WORSE

Mark = Literal["base", "better", "worse", "equal", "same", "bad"]

_SHAPES: dict[Mark, tuple[str, str, float]] = {
    "base": ("D", INK, 8.5),
    "better": ("^", BETTER, 11.0),
    "worse": ("v", WORSE, 11.0),
    "equal": ("s", SAME, 7.5),
    "same": ("o", SAME, 8.5),
    "bad": ("X", BAD, 10.0),
}
WORDS: dict[Mark, str] = {
    "base": "the base",
    "better": "better",
    "worse": "worse",
    "equal": "equivalent",
    "same": "cannot tell",
    "bad": "broken",
}


def colour(mark: Mark) -> str:
    """The reserved colour of a mark."""
    return _SHAPES[mark][1]


def dot(
    axes: Axes, x: float, y: float, mark: Mark, *, scale: float = 1.0, hollow: bool = False
) -> Line2D:
    """One mark at (x, y), ringed in the panel's colour so that overlapping marks stay apart."""
    shape, fill, size = _SHAPES[mark]
    (line,) = axes.plot(
        [x],
        [y],
        shape,
        markersize=size * scale,
        markerfacecolor=PANEL if hollow else fill,
        markeredgecolor=fill if hollow else PANEL,
        markeredgewidth=1.6 if hollow else 1.2,
        zorder=4,
    )
    return line


def span(axes: Axes, low: float, high: float, y: float, mark: Mark, *, width: float = 2.2) -> None:
    """A horizontal interval under its dot."""
    axes.plot([low, high], [y, y], color=colour(mark), linewidth=width, zorder=3)

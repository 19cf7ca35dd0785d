"""A ladder of modifications, step below step, as in figure 2 of ConvNeXt's paper (arXiv 2201.03545).

Bars that begin where the step below ends are no plot of seaborn's, so matplotlib draws them under seaborn's marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.canvas import Canvas, name_rows, only_grid
from reports.figures.marks import Spot, scatter
from reports.figures.svg import Tip
from reports.figures.theme import INK, MUTED, PALETTE
from reports.words import Mark

_ROW = 0.46  # inches
_HATCHES = 110  # upright lines over the whole width of the axes


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the figure.

    `value` is what it reaches and `below` what the step under it reaches; the bar between them is the step's own share.
    `low` and `high` bound the value: by the interval of the difference where there is one, which is thicker over its
    `core`. `text` stands at the end of
    the row, `cost_text` at the end of its cost. A `side` branch is indented and hatched, and nothing stands on it.
    """

    label: str
    variant: str
    value: float | None
    below: float | None
    low: float
    high: float
    mark: Mark
    text: str
    cost: float | None
    cost_text: str
    tip: str
    side: bool = False
    core: tuple[float, float] | None = None


def draw(rungs: Sequence[Rung], *, name: str, titles: tuple[str, str], label: str) -> Markup:
    """The steps from top to bottom: the value with the share of each step, and the cost beside it.

    Args:
        rungs: in the order of the ladder, side branches after the step that they stand on.
        name: unique in the page.
        titles: of the value and of the cost, with units.
        label: what the figure shows, for those who do not see it.
    """
    canvas = Canvas(name, label, height=1.1 + _ROW * len(rungs))
    valued = any(rung.value is not None for rung in rungs)
    grid = canvas.figure.subplots(
        1, 1 + valued, sharey=True, squeeze=False, width_ratios=[2.4, 1] if valued else None
    )
    if valued:
        _values(canvas, grid[0][0], rungs, titles[0])
    _costs(canvas, grid[0][-1], rungs, titles[1])
    name_rows(grid[0][0], [f"↳ {rung.label}" if rung.side else rung.label for rung in rungs])
    return canvas.svg()


def _values(canvas: Canvas, axes: Axes, rungs: Sequence[Rung], title: str) -> None:
    known = [(y, rung, rung.value) for y, rung in enumerate(rungs) if rung.value is not None]
    _fit(axes, [rung for _, rung, _ in known])
    _stairs(axes, [(y, value) for y, rung, value in known if not rung.side])
    for y, rung, value in known:
        _bar(axes, rung, value, y)
        colour = PALETTE[rung.mark]
        axes.hlines(y, rung.low, rung.high, colors=colour, linewidth=1.8, zorder=3)
        if rung.core:
            axes.hlines(y, *rung.core, colors=colour, linewidth=3.2, zorder=3)
    scatter(
        canvas, axes, [_spot(rung, value, y, rung.mark, scale=0.95) for y, rung, value in known]
    )
    for y, rung in enumerate(rungs):
        _write_beside(axes, rung, y, rung.text, x=1.01)
    axes.set_xlabel(title)
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−")))
    only_grid(axes, "x")


def _fit(axes: Axes, rungs: Sequence[Rung]) -> None:
    """Everything that is drawn of the rungs with a margin; before the hatches, which are spaced by it."""
    ends = [end for rung in rungs for end in (rung.low, rung.high, rung.value, rung.below)]
    known = [end for end in ends if end is not None]
    margin = 0.06 * max(max(known) - min(known), 0.01)
    axes.set_xlim(min(known) - margin, max(known) + margin)


def _spot(rung: Rung, x: float, y: int, mark: Mark, *, scale: float) -> Spot:
    return Spot(x, y, mark, Tip(rung.tip, rung.variant), hollow=rung.side, scale=scale)


def _write_beside(axes: Axes, rung: Rung, y: int, text: str, *, x: float) -> None:
    axes.text(
        x,
        y,
        text,
        transform=axes.get_yaxis_transform(),
        va="center",
        color=MUTED if rung.side else INK,
        fontsize=11.5,
    )


def _bar(axes: Axes, rung: Rung, value: float, y: int) -> None:
    """From what the step below reaches to what this one does."""
    if rung.below is None:
        return
    shade = PALETTE[rung.mark]
    left, wide = min(rung.below, value), abs(value - rung.below)
    if rung.side:
        axes.barh(y, wide, 0.5, left=left, facecolor="none", edgecolor=shade, linewidth=1)
        _hatch(axes, y, left, left + wide, shade)
    else:
        axes.barh(y, wide, 0.5, left=left, color=shade, alpha=0.35)


def _hatch(axes: Axes, y: int, left: float, right: float, shade: str) -> None:
    """Upright lines: matplotlib's own hatches are patterns, whose names do not survive in the page."""
    low, high = axes.get_xlim()
    apart = (high - low) / _HATCHES
    lines = [left + apart * (number + 1) for number in range(int((right - left) / apart))]
    axes.vlines(lines, y - 0.25, y + 0.25, colors=shade, linewidth=0.9, alpha=0.7)


def _stairs(axes: Axes, climbed: Sequence[tuple[int, float]]) -> None:
    """From each step of the main line down to the next: where the next one starts from."""
    for (y, value), (under, _) in pairwise(climbed):
        axes.plot(
            [value, value], [y, under], color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1
        )


def _costs(canvas: Canvas, axes: Axes, rungs: Sequence[Rung], title: str) -> None:
    known = [(y, rung, rung.cost) for y, rung in enumerate(rungs) if rung.cost is not None]
    climbed = [(y, cost) for y, rung, cost in known if not rung.side]
    axes.plot(
        [cost for _, cost in climbed], [y for y, _ in climbed], color=MUTED, linewidth=1.4, zorder=2
    )
    scatter(canvas, axes, [_spot(rung, cost, y, "same", scale=0.85) for y, rung, cost in known])
    for y, rung in enumerate(rungs):
        _write_beside(axes, rung, y, rung.cost_text, x=1.03)
    if known:
        axes.set_xlim(0, 1.08 * max(cost for _, _, cost in known))
    axes.set_xlabel(title)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    only_grid(axes, "x")

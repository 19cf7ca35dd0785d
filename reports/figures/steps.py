"""A ladder of modifications, step below step, in the manner of figure 2 of ConvNeXt's paper (arXiv 2201.03545)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.canvas import INK, MUTED, Canvas, only_grid, printable
from reports.figures.marks import Mark, colour, dot

_ROW = 0.46  # inches
_HATCHES = 110  # upright lines over the whole width of the axes


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the figure.

    `value` is what it reaches and `below` what the step under it reaches; the bar between them is the step's own share.
    `low` and `high` bound the value: by the interval of the difference where there is one. `told` stands at the end of
    the row, `cost_told` at the end of its cost. A `side` branch is indented and hatched, and nothing stands on it.
    """

    label: str
    variant: str
    value: float | None
    below: float | None
    low: float
    high: float
    mark: Mark
    told: str
    cost: float | None
    cost_told: str
    tip: str
    side: bool = False


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
    first = grid[0][0]
    first.set_yticks(range(len(rungs)), [_label(rung) for rung in rungs])
    first.set_ylim(len(rungs) - 0.4, -0.6)
    return canvas.svg()


def _label(rung: Rung) -> str:
    return printable(f"↳ {rung.label}" if rung.side else rung.label)


def _values(canvas: Canvas, axes: Axes, rungs: Sequence[Rung], title: str) -> None:
    known = [rung for rung in rungs if rung.value is not None]
    ends = [
        end
        for rung in known
        for end in (rung.low, rung.high, rung.value, rung.below)
        if end is not None
    ]
    margin = 0.06 * max(max(ends) - min(ends), 0.01)
    axes.set_xlim(min(ends) - margin, max(ends) + margin)
    _stairs(
        axes,
        [
            (y, rung.value)
            for y, rung in enumerate(rungs)
            if rung.value is not None and not rung.side
        ],
    )
    for y, rung in enumerate(rungs):
        _value(canvas, axes, rung, y)
        axes.text(
            1.01,
            y,
            rung.told,
            transform=axes.get_yaxis_transform(),
            va="center",
            color=_ink(rung),
            fontsize=11.5,
        )
    axes.set_xlabel(title)
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−")))
    only_grid(axes, "x")


def _ink(rung: Rung) -> str:
    return MUTED if rung.side else INK


def _value(canvas: Canvas, axes: Axes, rung: Rung, y: int) -> None:
    if rung.value is None:
        return
    shade = colour(rung.mark)
    if rung.below is not None:
        left, wide = min(rung.below, rung.value), abs(rung.value - rung.below)
        if rung.side:
            axes.barh(y, wide, 0.5, left=left, facecolor="none", edgecolor=shade, linewidth=1)
            _hatch(axes, y, left, left + wide, shade)
        else:
            axes.barh(y, wide, 0.5, left=left, color=shade, alpha=0.35)
    axes.plot([rung.low, rung.high], [y, y], color=shade, linewidth=1.8, zorder=3)
    canvas.tip(
        dot(axes, rung.value, y, rung.mark, scale=0.95, hollow=rung.side), rung.tip, rung.variant
    )


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
    main = [
        (y, rung.cost) for y, rung in enumerate(rungs) if rung.cost is not None and not rung.side
    ]
    axes.plot(
        [cost for _, cost in main], [y for y, _ in main], color=MUTED, linewidth=1.4, zorder=2
    )
    for y, rung in enumerate(rungs):
        if rung.cost is not None:
            artist = dot(axes, rung.cost, y, "same", scale=0.85, hollow=rung.side)
            canvas.tip(artist, rung.tip, rung.variant)
        axes.text(
            1.03,
            y,
            rung.cost_told,
            transform=axes.get_yaxis_transform(),
            va="center",
            color=_ink(rung),
            fontsize=11.5,
        )
    costs = [rung.cost for rung in rungs if rung.cost is not None]
    if costs:
        axes.set_xlim(0, 1.08 * max(costs))
    axes.set_xlabel(title)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    only_grid(axes, "x")

"""How often a call takes no longer than a given time: one rising curve for each variant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

from reports.figures.canvas import Canvas, printable
from reports.figures.theme import INK, SAME, SERIES

_POINTS = 100  # of a curve: thousands of calls would make a page of steps that nobody sees
_END = 0.995  # of all calls, where the axis ends


@dataclass(frozen=True, slots=True)
class Calls:
    """All single calls of a variant, in milliseconds."""

    variant: str
    times: tuple[float, ...]
    base: bool = False


def draw(series: Sequence[Calls], *, name: str, title: str, label: str) -> Markup:
    """Curves over milliseconds on a logarithmic axis; up to eight variants have a colour each."""
    canvas = Canvas(name, label, height=4.2)
    axes = canvas.figure.subplots()
    others = [calls.variant for calls in series if not calls.base]
    colours = dict(zip(others, SERIES, strict=False)) if len(others) <= len(SERIES) else {}
    for calls in series:
        shade = INK if calls.base else colours.get(calls.variant, SAME)
        _curve(canvas, axes, calls, shade)
    every = np.concatenate([calls.times for calls in series])
    axes.set_xlim(0.98 * float(every.min()), float(np.quantile(every, _END)) * 1.02)
    axes.set_ylim(0, 1)
    _ticks(axes)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.set(xlabel=title, ylabel="")
    if colours or len(series) == 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=10.5)
    return canvas.svg()


def _curve(canvas: Canvas, axes: Axes, calls: Calls, shade: str) -> None:
    faint = shade == SAME and not calls.base
    sns.ecdfplot(
        x=np.quantile(calls.times, np.linspace(0, 1, _POINTS)),
        color=shade,
        linewidth=2.2 if calls.base else 1.5,
        alpha=0.6 if faint else 1.0,
        label=printable(calls.variant),
        ax=axes,
    )
    low, middle, high = (f"{q:.2f}" for q in np.quantile(calls.times, (0.05, 0.5, 0.95)))
    canvas.tip(
        axes.lines[-1],
        f"{calls.variant}: half of {len(calls.times):,} calls within {middle} ms, "
        f"90 % from {low} to {high}",
        calls.variant,
    )


def _ticks(axes: Axes) -> None:
    """Whole numbers of milliseconds where the axis is short, rounded ones where it is long."""
    low, high = axes.get_xlim()
    if high / low > 4:
        axes.set_xscale("log")
        steps = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]
        axes.set_xticks([step for step in steps if low <= step <= high])
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(9))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))

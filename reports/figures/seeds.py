"""Means of seeds with their range, for kinds side by side: object sizes, kinds of errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes

from reports.figures.canvas import Canvas, name_rows, only_grid
from reports.figures.marks import Spot, scatter
from reports.figures.svg import Tip
from reports.figures.theme import PALETTE
from reports.words import Mark


@dataclass(frozen=True, slots=True)
class Seeds:
    """One variant in one kind: `samples` is a value for each seed, at least one."""

    variant: str
    kind: str
    samples: tuple[float, ...]
    mark: Mark


def by_kind(seeds: Sequence[Seeds], *, name: str, label: str, axis: str) -> Markup:
    """One panel for each kind, one row for each variant: the mean, and a line from the lowest to the highest.

    Args:
        seeds: kinds and variants appear in the order of their first.
        name: unique in the page.
        label: what the figure shows, for those who do not see it.
        axis: the title of every x axis.
    """
    kinds = list(dict.fromkeys(each.kind for each in seeds))
    variants = list(dict.fromkeys(each.variant for each in seeds))
    canvas = Canvas(name, label, height=0.9 + 0.34 * len(variants))
    panels = canvas.figure.subplots(1, len(kinds), sharey=True, sharex=True, squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        _panel(canvas, axes, [each for each in seeds if each.kind == kind], variants)
        axes.set_title(kind)
        axes.set(xlabel=axis, ylabel="")
        only_grid(axes, "x")
    name_rows(panels[0], variants)
    return canvas.svg()


def _panel(canvas: Canvas, axes: Axes, seeds: Sequence[Seeds], variants: Sequence[str]) -> None:
    frame = pd.DataFrame(
        [
            {"row": variants.index(each.variant), "value": value, "mark": each.mark}
            for each in seeds
            for value in each.samples
        ]
    )
    sns.pointplot(
        data=frame,
        x="value",
        y="row",
        hue="mark",
        palette=PALETTE,
        errorbar=("pi", 100),
        linestyle="none",
        marker="",
        err_kws={"linewidth": 2.2},
        orient="h",
        native_scale=True,
        legend=False,
        ax=axes,
    )
    scatter(canvas, axes, [_spot(each, variants.index(each.variant)) for each in seeds])


def _spot(seeds: Seeds, row: int) -> Spot:
    mean, low, high = fmean(seeds.samples), min(seeds.samples), max(seeds.samples)
    tip = f"{seeds.variant}, {seeds.kind}: {mean:.3f} (seeds {low:.3f} to {high:.3f})"
    return Spot(mean, row, seeds.mark, Tip(tip, seeds.variant), scale=0.9)

"""Losses over training steps, as small multiples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reports.figures.canvas import Canvas, only_grid
from reports.figures.grid import Grid
from reports.figures.theme import INK, MUTED, PALETTE
from reports.words import Mark

_POINTS = 60  # a curve is drawn as at most that many block means
_CEILING = 0.995  # of all losses, where the axis ends: a spike would flatten every curve


@dataclass(frozen=True, slots=True)
class Curve:
    """The loss of one training run at its steps."""

    variant: str
    seed: int
    steps: tuple[float, ...]
    losses: tuple[float, ...]


def loss(
    curves: Sequence[Curve], *, base: str, marks: Mapping[str, Mark], name: str, label: str
) -> Markup:
    """One panel per variant: seeds thin, their mean thick in the band from the lowest to the highest.

    The base's mean is dotted beside the others for comparison. Trainings of different lengths have no mean.
    """
    blocks = pd.concat([_blocks(curve) for curve in curves], ignore_index=True)
    variants = list(dict.fromkeys(curve.variant for curve in curves))
    grid = Grid(variants, name=name, label=label, row=2.15)
    reference = blocks[blocks["variant"] == base]
    for variant, axes in grid:
        trainings = blocks[blocks["variant"] == variant]
        _panel(grid.canvas, axes, trainings, colour=PALETTE[marks.get(variant, "same")])
        if variant != base and _is_aligned(reference):
            mean = reference.groupby("step")["loss"].mean()
            axes.plot(mean, color=INK, linewidth=1.1, linestyle=(0, (1, 2)), zorder=4)
    grid.first.set_ylim(0, float(blocks["loss"].quantile(_CEILING)) * 1.05)
    grid.canvas.figure.supxlabel("training step", fontsize=12, color=MUTED)
    return grid.canvas.svg()


def _blocks(curve: Curve) -> pd.DataFrame:
    """The mean loss of each block of steps: one row a block."""
    count = min(_POINTS, len(curve.steps))
    steps = [part.mean() for part in np.array_split(np.asarray(curve.steps, float), count)]
    losses = [part.mean() for part in np.array_split(np.asarray(curve.losses, float), count)]
    return pd.DataFrame(
        {"variant": curve.variant, "seed": curve.seed, "step": steps, "loss": losses}
    )


def _is_aligned(trainings: pd.DataFrame) -> bool:
    """Whether every seed has a loss at the same steps, so that they have a mean."""
    seeds = trainings["seed"].nunique()
    return seeds > 0 and bool((trainings.groupby("step").size() == seeds).all())


def _panel(canvas: Canvas, axes: Axes, trainings: pd.DataFrame, *, colour: str) -> None:
    for seed, training in trainings.groupby("seed"):
        sns.lineplot(
            data=training,
            x="step",
            y="loss",
            estimator=None,
            color=colour,
            linewidth=0.9,
            alpha=0.6,
            ax=axes,
        )
        variant, end = training["variant"].iloc[-1], training["loss"].iloc[-1]
        tip = f"{variant}, seed {seed}: loss {end:.3g} at the end"
        canvas.tip(axes.lines[-1], tip, variant)
    seeds = trainings["seed"].nunique()
    if seeds > 1 and _is_aligned(trainings):
        sns.lineplot(
            data=trainings,
            x="step",
            y="loss",
            errorbar=("pi", 100),
            color=colour,
            linewidth=2.4,
            err_kws={"alpha": 0.15},
            ax=axes,
        )
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    only_grid(axes, "y")

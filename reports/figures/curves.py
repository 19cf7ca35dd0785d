"""Small multiples over training steps and over object sizes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reports.figures.canvas import INK, MUTED, Canvas, only_grid, printable
from reports.figures.marks import Mark, colour, dot, span

_COLUMNS = 5
_POINTS = 60  # a curve is drawn as at most that many block means


@dataclass(frozen=True, slots=True)
class Curve:
    """The loss of one training run at its steps."""

    variant: str
    seed: int
    steps: tuple[float, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SizeDot:
    """AP of one variant for objects of one size: the mean of its seeds, and the lowest and highest."""

    variant: str
    size: str
    mean: float
    low: float
    high: float
    mark: Mark


def loss(
    curves: Sequence[Curve], *, base: str, marks: dict[str, Mark], name: str, label: str
) -> Markup:
    """One panel per variant: seeds thin, their mean thick, the base's mean dotted for comparison."""
    variants = list(dict.fromkeys(c.variant for c in curves))
    rows = -(-len(variants) // _COLUMNS)
    columns = max(-(-len(variants) // rows), 2)
    canvas = Canvas(name, label, height=0.5 + 2.15 * rows)
    panels = canvas.figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    reference = _mean([_thin(c) for c in curves if c.variant == base])
    for axes, variant in zip(panels, variants, strict=False):
        own = [c for c in curves if c.variant == variant]
        _panel(canvas, axes, own, mark=marks.get(variant, "same"))
        if reference is not None and variant != base:
            axes.plot(*reference, color=INK, linewidth=1.1, linestyle=(0, (1, 2)), zorder=4)
        axes.set_title(printable(variant), fontsize=11.5)
    for axes in panels[len(variants) :]:
        axes.set_visible(False)
    for axes in panels[len(variants) - columns if rows > 1 else 0 : len(variants)]:
        axes.xaxis.set_tick_params(labelbottom=True)
    ceiling = np.quantile(np.concatenate([_thin(c)[1] for c in curves]), 0.995)
    panels[0].set_ylim(0, float(ceiling) * 1.05)
    canvas.figure.supxlabel("training step", fontsize=12, color=MUTED)
    return canvas.svg()


def _panel(canvas: Canvas, axes: Axes, own: Sequence[Curve], *, mark: Mark) -> None:
    shade = colour(mark)
    thin = [_thin(curve) for curve in own]
    for curve, (steps, values) in zip(own, thin, strict=True):
        (line,) = axes.plot(steps, values, color=shade, linewidth=0.9, alpha=0.6)
        canvas.tip(
            line,
            f"{curve.variant}, seed {curve.seed}: loss {values[-1]:.3g} at the end",
            curve.variant,
        )
    mean = _mean(thin)
    if mean is not None and len(thin) > 1:
        sns.lineplot(
            x=mean[0], y=mean[1], ax=axes, color=shade, linewidth=2.4, errorbar=None, legend=False
        )
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    only_grid(axes, "y")


def _thin(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    blocks = min(_POINTS, len(curve.steps))
    steps = np.array(
        [float(part.mean()) for part in np.array_split(np.asarray(curve.steps), blocks)]
    )
    losses = np.array(
        [float(part.mean()) for part in np.array_split(np.asarray(curve.losses), blocks)]
    )
    return steps, losses


def _mean(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray] | None:
    """The mean over runs of equal length; None where they were not."""
    if not curves or len({len(steps) for steps, _ in curves}) != 1:
        return None
    return curves[0][0], np.mean([losses for _, losses in curves], axis=0)


def by_size(dots: Sequence[SizeDot], *, name: str, label: str, axis: str = "AP") -> Markup:
    """AP for small, medium and large objects, or for other kinds: one panel per kind, one row per variant."""
    sizes = list(dict.fromkeys(d.size for d in dots))
    variants = list(dict.fromkeys(d.variant for d in dots))
    canvas = Canvas(name, label, height=0.9 + 0.34 * len(variants))
    panels = canvas.figure.subplots(1, len(sizes), sharey=True, sharex=True, squeeze=False)[0]
    for axes, size in zip(panels, sizes, strict=True):
        for item in (d for d in dots if d.size == size):
            y = variants.index(item.variant)
            span(axes, item.low, item.high, y, item.mark)
            artist = dot(axes, item.mean, y, item.mark, scale=0.9)
            tip = (
                f"{item.variant}, {size}: {item.mean:.3f} (seeds {item.low:.3f} to {item.high:.3f})"
            )
            canvas.tip(artist, tip, item.variant)
        axes.set_title(size)
        axes.set_xlabel(axis)
        only_grid(axes, "x")
    panels[0].set_yticks(range(len(variants)), [printable(v) for v in variants])
    panels[0].set_ylim(len(variants) - 0.4, -0.6)
    return canvas.svg()

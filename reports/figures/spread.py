"""How much the timings of a variant scatter: one line of quantiles for each process that measured it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.canvas import INK, MUTED, PANEL, SAME, Canvas, only_grid, printable

_ROW = 0.46


@dataclass(frozen=True, slots=True)
class Sample:
    """The rounds of one process: milliseconds a pass."""

    variant: str
    replica: int
    values: tuple[float, ...]
    base: bool = False


def draw(samples: Sequence[Sample], *, name: str, title: str, label: str) -> Markup:
    """Rows of variants; in each, one line per process, as percentages of the variant's own median."""
    medians = {
        variant: float(
            np.median(np.concatenate([s.values for s in samples if s.variant == variant]))
        )
        for variant in dict.fromkeys(s.variant for s in samples)
    }
    rows = list(medians)
    canvas = Canvas(name, label, height=1.0 + _ROW * len(rows))
    axes = canvas.figure.subplots()
    axes.axvline(0, color=INK, linewidth=1)
    for sample in samples:
        group = [s for s in samples if s.variant == sample.variant]
        y = rows.index(sample.variant) + 0.64 * ((group.index(sample) + 0.5) / len(group) - 0.5)
        _line(canvas, axes, sample, (y, medians[sample.variant]))
    away = [100 * (value / medians[s.variant] - 1) for s in samples for value in s.values]
    low, high = (float(q) for q in np.quantile(away, (0.002, 0.985)))
    axes.set_xlim(1.1 * min(low, -0.5), 1.1 * max(high, 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(9))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{x:+g} %".replace("-", "−") if x else "0")
    )
    axes.set_yticks(range(len(rows)), [f"{printable(row)}  {medians[row]:.2f} ms" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(title)
    only_grid(axes, "x")
    return canvas.svg()


def _line(canvas: Canvas, axes: Axes, sample: Sample, place: tuple[float, float]) -> None:
    y, own = place
    values = 100 * (np.asarray(sample.values) / own - 1)
    low, first, middle, third, high = (
        float(q) for q in np.quantile(values, (0.1, 0.25, 0.5, 0.75, 0.9))
    )
    shade = INK if sample.base else SAME
    axes.plot(values, np.full(len(values), y), "|", color=MUTED, markersize=6, alpha=0.45, zorder=1)
    axes.plot([low, high], [y, y], color=shade, linewidth=1.2, zorder=2)
    axes.plot([first, third], [y, y], color=shade, linewidth=4.5, zorder=3, solid_capstyle="butt")
    (artist,) = axes.plot(
        [middle], [y], "o", color=shade, markeredgecolor=PANEL, markersize=7.5, zorder=4
    )
    quantiles = np.quantile(sample.values, (0.1, 0.5, 0.9))
    canvas.tip(
        artist,
        f"{sample.variant}, process {sample.replica + 1}: median {quantiles[1]:.2f} ms, "
        f"10 % under {quantiles[0]:.2f}, 10 % over {quantiles[2]:.2f}, {len(values)} rounds",
        sample.variant,
    )

"""How much the timings of a variant scatter: quantiles and rounds of each process that measured it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports.figures.canvas import Canvas, name_rows, only_grid
from reports.figures.dots import signed_percent_tick
from reports.figures.svg import Tip
from reports.figures.theme import INK, MUTED, PANEL, SAME

_ROW = 0.46  # inches
_FILLED = 0.64  # of a row's height


@dataclass(frozen=True, slots=True)
class Sample:
    """The rounds of one process: milliseconds a pass."""

    variant: str
    replica: int
    times: tuple[float, ...]
    base: bool = False


def draw(samples: Sequence[Sample], *, name: str, title: str, label: str) -> Markup:
    """Rows of variants; in each, a line for each process, in per cent of the variant's own median.

    The thick part holds half of the rounds, the thin part four fifths, the dot is their median; ticks are rounds.
    """
    rounds = _rounds(samples)
    medians = rounds.groupby("variant", sort=False)["ms"].median()
    rounds["away"] = 100 * (rounds["ms"] / rounds["variant"].map(medians) - 1)
    canvas = Canvas(name, label, height=1.0 + _ROW * len(medians))
    axes = canvas.figure.subplots()
    axes.axvline(0, color=INK, linewidth=1)
    _draw_processes(canvas, axes, rounds, samples)
    low, high = (float(q) for q in np.quantile(rounds["away"], (0.002, 0.985)))
    axes.set_xlim(1.1 * min(low, -0.5), 1.1 * max(high, 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(9))
    axes.xaxis.set_major_formatter(FuncFormatter(signed_percent_tick))
    name_rows(axes, [f"{variant}  {median:.2f} ms" for variant, median in medians.items()])
    axes.set_xlabel(title)
    only_grid(axes, "x")
    return canvas.svg()


def _rounds(samples: Sequence[Sample]) -> pd.DataFrame:
    """One row a round: its variant, its milliseconds, and the height at which its process is drawn."""
    variants = list(dict.fromkeys(sample.variant for sample in samples))
    frames = []
    for sample in samples:
        group = [other for other in samples if other.variant == sample.variant]
        offset = _FILLED * ((group.index(sample) + 0.5) / len(group) - 0.5)
        height = variants.index(sample.variant) + offset
        process = {"variant": sample.variant, "base": sample.base, "y": height}
        frames.append(pd.DataFrame({**process, "ms": sample.times}))
    return pd.concat(frames, ignore_index=True)


def _draw_processes(
    canvas: Canvas, axes: Axes, rounds: pd.DataFrame, samples: Sequence[Sample]
) -> None:
    shared: dict[str, Any] = {"data": rounds, "x": "away", "y": "y", "ax": axes}
    shared |= {"orient": "h", "native_scale": True, "legend": False}
    ticks = {"jitter": False, "marker": "|", "size": 6, "linewidth": 0.8}
    sns.stripplot(**shared, **ticks, color=MUTED, alpha=0.45, zorder=1)
    shared |= {"estimator": "median", "linestyle": "none", "marker": ""}
    shared |= {"hue": "base", "palette": {True: INK, False: SAME}}
    for percent, width in ((80, 1.2), (50, 4.5)):
        line = {"linewidth": width, "solid_capstyle": "butt"}
        sns.pointplot(**shared, errorbar=("pi", percent), err_kws=line, zorder=percent)
    medians = rounds.groupby("y", sort=False)["away"].median()
    dots = axes.scatter(
        medians,
        medians.index,
        s=56,
        c=[INK if sample.base else SAME for sample in samples],
        edgecolors=PANEL,
        linewidths=1.0,
        zorder=100,
    )
    canvas.tips(dots, [Tip(_tip(sample), sample.variant) for sample in samples])


def _tip(sample: Sample) -> str:
    low, middle, high = np.quantile(sample.times, (0.1, 0.5, 0.9))
    return (
        f"{sample.variant}, process {sample.replica + 1}: median {middle:.2f} ms, "
        f"10 % under {low:.2f}, 10 % over {high:.2f}, {len(sample.times)} rounds"
    )

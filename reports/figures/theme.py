"""The one theme of all figures: reserved colours, seaborn's style with ours over it, the shape of each verdict.

Matplotlib writes the reserved colours into the SVG, and each is replaced there by a variable of the style sheet: one
drawing serves light, dark and paper. The colours themselves are never seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns

from reports.words import Mark

INK, MUTED, GRID, PANEL = "#010201", "#010202", "#010203", "#010204"
BETTER, WORSE, SAME, BAD = "#010205", "#010206", "#010207", "#010208"
SERIES = tuple(f"#0103{i:02x}" for i in range(1, 9))
VARIABLES = {
    INK: "--fg",
    MUTED: "--muted",
    GRID: "--line",
    PANEL: "--card",
    BETTER: "--better",
    WORSE: "--worse",
    SAME: "--same",
    BAD: "--bad",
    **{colour: f"--s{number}" for number, colour in enumerate(SERIES, start=1)},
}
"""The property of the style sheet that takes the place of each colour."""

PALETTE: dict[Mark, str] = {
    "base": INK,
    "better": BETTER,
    "worse": WORSE,
    "equal": SAME,
    "same": SAME,
    "bad": BAD,
}
MARKERS: dict[Mark, str] = {
    "base": "D",
    "better": "^",
    "worse": "v",
    "equal": "s",
    "same": "o",
    "bad": "X",
}
MEANINGS: dict[Mark, str] = {
    "base": "the base",
    "better": "better",
    "worse": "worse",
    "equal": "equivalent",
    "same": "cannot tell",
    "bad": "broken",
}

_RC: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12,
    "axes.linewidth": 0.8,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "patch.linewidth": 0,
    "svg.fonttype": "none",  # text stays text: searchable, small, in the reader's font
    "svg.hashsalt": "report",  # equal input, equal ids
    "text.color": INK,
    "text.parse_math": False,  # names may hold a dollar sign
    "xtick.color": MUTED,
    "xtick.labelsize": 11.5,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 11.5,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}


@contextmanager
def look() -> Iterator[None]:
    """The style of every figure drawn inside; matplotlib's own settings are as before afterwards."""
    with sns.axes_style("ticks"), mpl.rc_context(_RC):
        yield

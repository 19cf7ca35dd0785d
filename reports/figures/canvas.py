"""One look for every plot: the reserved colours, the type sizes, and the way from a figure to the page."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.svg import Tip, polish

# Matplotlib writes these values into the SVG, and each is replaced by a variable of the style sheet: one drawing
# serves light, dark and paper. The values themselves are never seen.
INK, MUTED, GRID, PANEL = "#010201", "#010202", "#010203", "#010204"
BETTER, WORSE, SAME, BAD = "#010205", "#010206", "#010207", "#010208"
SERIES = tuple(f"#0103{i:02x}" for i in range(1, 9))
COLOURS = {
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
WIDTH = (
    15.0  # inches of 72 units: a figure is 1,080 units wide and about as many pixels on a desktop
)

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


class Canvas:
    """A figure under construction with the tooltips of its marks."""

    def __init__(self, name: str, label: str, *, height: float, width: float = WIDTH) -> None:
        self.name = name
        self.label = label
        self.figure = Figure(figsize=(width, height), layout="constrained")
        self.figure.patch.set_alpha(0.0)
        self._tips: dict[str, Tip] = {}

    def tip(self, artist: Artist, text: str, variant: str = "") -> None:
        """Let `artist` say `text` when pointed at, and light up with the row of `variant`."""
        gid = f"tip-{len(self._tips)}"
        artist.set_gid(gid)
        self._tips[gid] = Tip(printable(text), variant)

    def svg(self) -> Markup:
        """The finished element; safe to place in a page, since every text in it went through an XML writer."""
        target = io.StringIO()
        self.figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
        text = polish(
            target.getvalue(),
            prefix=f"{self.name}-",
            label=self.label,
            colours=COLOURS,
            tips=self._tips,
        )
        return Markup(text)  # noqa: S704


@contextmanager
def look() -> Iterator[None]:
    """The style of every figure drawn inside; matplotlib's own settings are as before afterwards."""
    with sns.axes_style("ticks"), mpl.rc_context(_RC):
        yield


def only_grid(axes: Axes, axis: str) -> None:
    """Keep the grid lines of one axis: `x` for horizontal bars and dots, `y` for curves."""
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x" if axis == "x" else "y")


def printable(text: str) -> str:
    """`text` without what XML and matplotlib refuse: control characters and lone surrogates."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() else " " for character in clean)

"""A figure under construction: its size, the tooltips of its marks, and the way from matplotlib to the page."""

import io
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.svg import Tip, polish
from reports.figures.theme import VARIABLES

WIDTH = 15.0
"""Inches of 72 units: a figure is 1,080 units wide, and about as many pixels on a desktop."""


class Canvas:
    """A figure under construction with the tooltips of its marks."""

    def __init__(self, name: str, label: str, *, height: float, width: float = WIDTH) -> None:
        self.name = name
        self.label = label
        self.figure = Figure(figsize=(width, height), layout="constrained")
        self.figure.patch.set_alpha(0.0)
        self._tips: dict[str, tuple[Tip, ...]] = {}

    def tip(self, artist: Artist, text: str, variant: str = "") -> None:
        """Let `artist` say `text` when pointed at, and light up with the row of `variant`."""
        self.tips(artist, [Tip(text, variant)])

    def tips(self, artist: Artist, tips: Sequence[Tip]) -> None:
        """Give one tooltip to the whole `artist`, or one to each point of a collection, in its order."""
        gid = f"tip-{len(self._tips)}"
        artist.set_gid(gid)
        self._tips[gid] = tuple(Tip(printable(tip.text), tip.variant) for tip in tips)

    def svg(self) -> Markup:
        """The finished element; safe to place in a page, since every text in it went through an XML writer."""
        target = io.StringIO()
        self.figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
        text = polish(
            target.getvalue(),
            prefix=f"{self.name}-",
            label=self.label,
            colours=VARIABLES,
            tips=self._tips,
        )
        return Markup(text)  # noqa: S704


def only_grid(axes: Axes, axis: str) -> None:
    """Keep the grid lines of one axis: `x` for horizontal bars and dots, `y` for curves."""
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x" if axis == "x" else "y")


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows 0, 1, ... of a plot of horizontal marks, the first on top."""
    axes.set_yticks(range(len(names)), [printable(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_ylabel("")


def printable(text: str) -> str:
    """`text` without what XML and matplotlib refuse: control characters and lone surrogates."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() else " " for character in clean)

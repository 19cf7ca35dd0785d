"""Small multiples in the unit square: precision over recall, precision over score. One panel for each variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from reports.figures.canvas import INK, MUTED, Canvas, only_grid, printable
from reports.figures.marks import Mark, colour

_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A curve of one variant; its first is drawn thick, and the base's first is dotted beside the others' too."""

    variant: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    tip: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What the axes say, and whether the diagonal means something."""

    x: str
    y: str
    diagonal: bool = False


def panels(
    lines: Sequence[Line],
    frame: Frame,
    *,
    base: str,
    marks: Mapping[str, Mark],
    name: str,
    label: str,
) -> Markup:
    """One panel per variant, in the order of their first lines; `name` is unique in the page."""
    variants = list(dict.fromkeys(line.variant for line in lines))
    rows = -(-len(variants) // _COLUMNS)
    columns = max(-(-len(variants) // rows), 2)
    canvas = Canvas(name, label, height=0.5 + 2.35 * rows)
    places = canvas.figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    reference = next((line for line in lines if line.variant == base), None)
    for axes, variant in zip(places, variants, strict=False):
        own = [line for line in lines if line.variant == variant]
        _panel(canvas, axes, own, mark=marks.get(variant, "same"))
        if reference is not None and variant != base:
            axes.plot(
                reference.x, reference.y, color=INK, linewidth=1.1, linestyle=(0, (1, 2)), zorder=4
            )
        if frame.diagonal:
            axes.plot((0, 1), (0, 1), color=MUTED, linewidth=0.8, zorder=1)
        axes.set_title(printable(variant), fontsize=11.5)
    for axes in places[len(variants) :]:
        axes.set_visible(False)
    for axes in places[len(variants) - columns if rows > 1 else 0 : len(variants)]:
        axes.xaxis.set_tick_params(labelbottom=True)
    places[0].set_xlim(0, 1.02)
    places[0].set_ylim(0, 1.02)
    for axis in (places[0].xaxis, places[0].yaxis):
        axis.set_major_locator(FixedLocator((0, 0.5, 1)))
    canvas.figure.supxlabel(frame.x, fontsize=12, color=MUTED)
    canvas.figure.supylabel(frame.y, fontsize=12, color=MUTED)
    return canvas.svg()


def _panel(canvas: Canvas, axes: Axes, own: Sequence[Line], *, mark: Mark) -> None:
    for index, line in enumerate(own):
        first = index == 0
        (artist,) = axes.plot(
            line.x,
            line.y,
            color=colour(mark),
            linewidth=2.2 if first else 1.0,
            alpha=1.0 if first else 0.75,
        )
        canvas.tip(artist, line.tip, line.variant)
    only_grid(axes, "y")

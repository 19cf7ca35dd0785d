"""Small multiples: one panel for each variant, in rows of five with shared axes."""

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes

from reports.figures.canvas import Canvas, printable

_COLUMNS = 5


class Grid:
    """The panels of a figure under construction.

    Args:
        variants: each with a panel of its own, which bears its name.
        name: of the figure, unique in the page.
        label: what it shows, for those who do not see it.
        row: inches of a row of panels.
    """

    def __init__(self, variants: Sequence[str], *, name: str, label: str, row: float) -> None:
        rows = -(-len(variants) // _COLUMNS)
        columns = max(-(-len(variants) // rows), 2)
        self.canvas = Canvas(name, label, height=0.5 + row * rows)
        panels = self.canvas.figure.subplots(
            rows, columns, sharex=True, sharey=True, squeeze=False
        ).ravel()
        self.first: Axes = panels[0]
        self._variants = variants
        self._panels: list[Axes] = list(panels[: len(variants)])
        for unused in panels[len(variants) :]:
            unused.set_visible(False)
        lowest = self._panels[len(variants) - columns :] if rows > 1 else self._panels
        for axes in lowest:
            axes.xaxis.set_tick_params(labelbottom=True)

    def __iter__(self) -> Iterator[tuple[str, Axes]]:
        """Each variant with its panel, in their order."""
        for variant, axes in zip(self._variants, self._panels, strict=True):
            axes.set_title(printable(variant), fontsize=11.5)
            yield variant, axes
            axes.set(xlabel="", ylabel="")

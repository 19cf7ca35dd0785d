"""What a network reaches of what the machine can do, and whether fewer operations made it faster."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports.figures.canvas import Canvas
from reports.figures.labels import Point, label_points
from reports.figures.marks import Spot, scatter
from reports.figures.svg import Tip
from reports.figures.theme import GRID, INK, MUTED, SAME
from reports.words import Mark


@dataclass(frozen=True, slots=True)
class Reached:
    """One variant: what it was timed with, what it reached, and both against the base's (None: it is a base)."""

    name: str
    mark: Mark
    gflop: float  # of a pass
    ms: float
    intensity: float  # FLOP a byte
    against: tuple[float, float] | None  # operations and time, over the base's

    @property
    def rate(self) -> float:
        """GFLOP/s."""
        return self.gflop / self.ms * 1000


@dataclass(frozen=True, slots=True)
class Roof:
    """What the machine was measured to do: GFLOP/s and GB/s."""

    peak: float
    bandwidth: float

    def at(self, intensity: float) -> float:
        """The most GFLOP/s that so many operations a byte allow."""
        return min(self.peak, intensity * self.bandwidth)


def draw(points: Sequence[Reached], roof: Roof | None, *, name: str, label: str) -> Markup:
    """Two panels: rates under the roof, and time against operations, both relative to the base."""
    canvas = Canvas(name, label, height=6.4)
    compared = [point for point in points if point.against]
    panels = canvas.figure.subplots(1, 2 if compared else 1, squeeze=False)[0]
    _under_the_roof(canvas, panels[0], points, roof)
    if compared:
        _against_the_base(canvas, panels[1], compared)
    return canvas.svg()


def _under_the_roof(
    canvas: Canvas, axes: Axes, points: Sequence[Reached], roof: Roof | None
) -> None:
    low = min(point.intensity for point in points) / 2
    high = max(point.intensity for point in points) * 2
    rates = [point.rate for point in points]
    top = max(rates)
    if roof:
        _draw_roof(axes, roof, low, high)
        top = max(top, roof.at(high))
    scatter(canvas, axes, [_rate_spot(point, roof) for point in points])
    _logarithmic(axes, (low, high), (min(rates) / 2, top * 1.6))
    axes.set_xlabel("floating-point operations a byte of weights and maps")
    _head(axes, "GFLOP/s reached, under the measured roof")
    canvas.figure.draw_without_rendering()  # fixes the layout, which the labels need
    placed = [_point(p.name, p.intensity, p.rate, p.mark) for p in points]
    label_points(axes, placed, set(), placed)


def _draw_roof(axes: Axes, roof: Roof, low: float, high: float) -> None:
    knee = min(max(roof.peak / roof.bandwidth, low), high)
    ends = [low, knee, high]
    axes.plot(ends, [roof.at(x) for x in ends], color=INK, linewidth=1.4)
    axes.annotate(
        f"{roof.peak:,.0f} GFLOP/s, {roof.bandwidth:,.1f} GB/s",
        (high, roof.at(high)),
        xytext=(-4, 6),
        textcoords="offset points",
        ha="right",
        color=MUTED,
    )


def _rate_spot(point: Reached, roof: Roof | None) -> Spot:
    share = f", {point.rate / roof.at(point.intensity):.0%} of the roof" if roof else ""
    tip = (
        f"{point.name}: {point.rate:,.1f} GFLOP/s{share}\n{point.gflop:.4g} GFLOP in {point.ms:.4g} ms, "
        f"{point.intensity:.1f} FLOP a byte"
    )
    return Spot(point.intensity, point.rate, point.mark, Tip(tip, point.name))


def _against_the_base(canvas: Canvas, axes: Axes, points: Sequence[Reached]) -> None:
    pairs = [point.against for point in points if point.against]
    low = min(min(pair) for pair in [*pairs, (1.0, 1.0)]) / 1.25
    high = max(max(pair) for pair in [*pairs, (1.0, 1.0)]) * 1.25
    axes.fill_between([low, 1], 1, high, color=SAME, alpha=0.14, linewidth=0)
    axes.annotate(
        "fewer operations, not faster",
        (low, high),
        xytext=(6, -14),
        textcoords="offset points",
        color=MUTED,
    )
    axes.plot([low, high], [low, high], color=INK, linewidth=1.2, linestyle=(0, (1, 2.5)))
    scatter(canvas, axes, [_ratio_spot(p, *pair) for p, pair in zip(points, pairs, strict=True)])
    _logarithmic(axes, (low, high), (low, high))
    axes.set_xlabel("operations over the base's")
    _head(axes, "time over the base's; dotted: time follows the operations")
    canvas.figure.draw_without_rendering()
    placed = [_point(p.name, *pair, p.mark) for p, pair in zip(points, pairs, strict=True)]
    label_points(axes, placed, set(), placed)


def _ratio_spot(point: Reached, flops: float, time: float) -> Spot:
    tip = f"{point.name}: {flops:.3g} times the base's operations, {time:.3g} times its time"
    return Spot(flops, time, point.mark, Tip(tip, point.name))


def _head(axes: Axes, text: str) -> None:
    axes.set_title(text, fontsize=12, fontweight="normal", color=MUTED)


def _point(name: str, x: float, y: float, mark: Mark) -> Point:
    return Point(name, (x, x, x), (y, y, y), mark)


def _logarithmic(axes: Axes, across: tuple[float, float], up: tuple[float, float]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(across)
    axes.set_ylim(up)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, color=GRID)

"""Accuracy over latency, multiply-adds and parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from markupsafe import Markup

from reports.figures.labels import Point
from reports.figures.tradeoff import draw
from reports.model import Report, Row, Setup
from reports.run.calls import PRIMARY, accuracy_mark
from reports.run.latency import milliseconds
from reports.section import Section
from reports.words import listed
from suite.stats.intervals import median_interval

Range = tuple[float, float, float]
"""Low, value and high."""

_ID, _TITLE = "tradeoffs", "Accuracy against its price"


@dataclass(frozen=True, slots=True)
class _Cost:
    """One kind of price: its key in ids, the title of its tab and of its axis, and what a variant costs."""

    key: str
    title: str
    axis: str
    of: Callable[[Row], Range | None]


def build(report: Report) -> Section:
    """One plot per kind of cost, as tabs."""
    tabs = [tab for cost in _costs(report) for tab in _tab(report, cost)]
    if not tabs:
        missing = "There is no accuracy to set against a cost in this run: nothing was trained, or not far enough."
        return Section(_ID, _TITLE, "Trade-offs", missing=missing)
    broken = [row.name for row in report.rows if row.state == "broken"]
    left_out = f" Broken variants are left out: {listed(broken)}." if broken else ""
    return Section(
        _ID,
        _TITLE,
        "Trade-offs",
        "Up and to the left is better. The dotted line is the Pareto front: nothing measured here is both cheaper and "
        "more accurate (names in bold). ◆ base, ▲ better, ▼ worse, ■ equivalent, ● cannot tell; vertical bars: "
        f"lowest and highest seed.{left_out}",
        {"content_tabs": tabs},
    )


def _costs(report: Report) -> list[_Cost]:
    timed = [
        _Cost(
            f"ms-{setup.key}",
            setup.title,
            f"ms a picture, {setup.title}: the base's median × the paired ratio (log scale)",
            _timed(report, setup),
        )
        for setup in report.plain_setups
    ]
    flops = "GFLOPs = 2 × GMACs a picture, as deployed (log scale)"
    parameters = "million parameters, as deployed (log scale)"
    return [
        *timed,
        _Cost("gflops", "GFLOPs", flops, _exact("gmacs", 2.0)),
        _Cost("params", "Parameters", parameters, _exact("params", 1e-6)),
    ]


def _tab(report: Report, cost: _Cost) -> Sequence[tuple[str, str, Markup]]:
    """Id, title and figure; nothing where no variant has both an accuracy and this cost."""
    points = [point for row in report.rows if (point := _point(row, cost)) is not None]
    if not points:
        return ()
    name = f"t-{cost.key}"
    label = f"Scatter of AP over {cost.axis}; every number is in the table"
    titles = (cost.axis, "AP, mean of the seeds")
    return [(name, cost.title, draw(points, name=name, titles=titles, label=label))]


def _point(row: Row, cost: _Cost) -> Point | None:
    seeds = row.seeds(PRIMARY)
    price = cost.of(row)
    if not seeds or price is None or row.state in {"broken", "unknown"}:
        return None
    accuracy = (min(seeds), fmean(seeds), max(seeds))
    return Point(row.name, price, accuracy, accuracy_mark(row))


def _exact(metric: str, factor: float) -> Callable[[Row], Range | None]:
    def cost(row: Row) -> Range | None:
        value = row.exact(metric)
        return (value * factor,) * 3 if value else None

    return cost


def _timed(report: Report, setup: Setup) -> Callable[[Row], Range | None]:
    """The base's median times the paired ratio: rounds of different hours do not share a weather."""

    def cost(row: Row) -> Range | None:
        base = report.row(row.baseline) or row
        times = milliseconds(base, report.rows, setup, "wall")
        if not times:
            return None
        middle = median_interval(times)
        judged = row.judged.get(f"wall:{setup.key}")
        if judged is not None:
            ratio = judged.deciding
            return (
                ratio.low * middle.value,
                ratio.value * middle.value,
                ratio.high * middle.value,
            )
        is_absolute = base is row and middle.low > 0
        return (middle.low, middle.value, middle.high) if is_absolute else None

    return cost

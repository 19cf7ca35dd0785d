"""Accuracy over latency, multiply-adds and parameters."""

from collections.abc import Callable

from reports.figures.marks import Mark
from reports.figures.tradeoff import Point, draw
from reports.model import Report, Row, Setup
from reports.run.headline import PRIMARY, accuracy_call
from reports.run.latency import milliseconds
from reports.section import Section
from reports.words import MARKS, listed
from suite.stats.intervals import median_interval

Cost = Callable[[Row], tuple[float, float, float] | None]
_ID, _TITLE = "tradeoffs", "Accuracy against its price"


def build(report: Report) -> Section:
    """One plot per kind of cost, as tabs."""
    costs: list[tuple[str, str, str, Cost]] = [
        (
            f"ms-{s.key}",
            s.title,
            f"ms a picture, {s.title}: the base's median × the paired ratio (log scale)",
            _timed(report, s),
        )
        for s in report.plain_setups
    ]
    costs.append(
        (
            "gflops",
            "GFLOPs",
            "GFLOPs = 2 × GMACs a picture, as deployed (log scale)",
            _exact("gmacs", 2.0),
        )
    )
    costs.append(
        (
            "params",
            "Parameters",
            "million parameters, as deployed (log scale)",
            _exact("params", 1e-6),
        )
    )
    tabs = []
    for key, title, axis, cost in costs:
        points = [p for row in report.rows if (p := _point(row, cost)) is not None]
        if points:
            label = f"Scatter of AP over {axis}; every number is in the table"
            tabs.append(
                (
                    f"t-{key}",
                    title,
                    draw(
                        points, name=f"t-{key}", titles=(axis, "AP, mean of the seeds"), label=label
                    ),
                )
            )
    if not tabs:
        return Section(
            _ID,
            _TITLE,
            "Trade-offs",
            missing="There is no accuracy to set against a cost in this run: nothing was trained, or not far enough.",
        )
    broken = [row.name for row in report.rows if row.state == "broken"]
    left = f" Broken variants are left out: {listed(broken)}." if broken else ""
    return Section(
        _ID,
        _TITLE,
        "Trade-offs",
        "Up and to the left is better. The dotted line is the Pareto front: nothing measured here is both cheaper and "
        "more accurate (names in bold). ◆ base, ▲ better, ▼ worse, ■ equivalent, ● cannot tell; vertical bars: "
        f"lowest and highest seed.{left}",
        {"content_tabs": tabs},
    )


def _point(row: Row, cost: Cost) -> Point | None:
    values = row.seeds(PRIMARY)
    price = cost(row)
    if not values or price is None or row.state in {"broken", "unknown"}:
        return None
    return Point(
        row.name, price, (min(values), sum(values) / len(values), max(values)), mark_of(row)
    )


def mark_of(row: Row) -> Mark:
    """The shape of a variant in every plot: what the run says of its accuracy."""
    if row.role == "base":
        return "base"
    marks: dict[str, Mark] = {**{call: call for call in MARKS}, "broken": "bad", "failed": "bad"}
    return marks.get(accuracy_call(row), "same")


def _exact(metric: str, factor: float) -> Cost:
    def cost(row: Row) -> tuple[float, float, float] | None:
        value = row.exact(metric)
        return (value * factor,) * 3 if value else None

    return cost


def _timed(report: Report, setup: Setup) -> Cost:
    """The base's median times the paired ratio: rounds of different hours do not share a weather."""

    def cost(row: Row) -> tuple[float, float, float] | None:
        base = report.row(row.baseline) or row
        times = milliseconds(base, report.rows, setup, "wall")
        if not times:
            return None
        middle = median_interval(times)
        found = row.judged.get(f"wall:{setup.key}")
        if found is None:
            return (
                (middle.low, middle.value, middle.high) if base is row and middle.low > 0 else None
            )
        low, high = found.estimate.low * middle.value, found.estimate.high * middle.value
        return (low, found.estimate.value * middle.value, high)

    return cost

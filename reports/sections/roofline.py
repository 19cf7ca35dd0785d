"""What each network reaches of what the machine can do: fewer operations are not always less time."""

from dataclasses import dataclass

from markupsafe import Markup

from reports.figures.marks import Mark
from reports.figures.roofline import Reached, Roof, draw
from reports.model import Item, Report, Row, Setup
from reports.run.headline import latency_call
from reports.run.latency import milliseconds, setup_of
from reports.section import Section
from reports.words import number, signed_percent
from suite.stats.intervals import median_interval

_ID, _TITLE = "roofline", "What the machine could do"


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything about one setup; `rows` are name, GFLOP, ms, GFLOP/s, share of the roof, against the base."""

    title: str
    figure: Markup
    roof: str
    rows: tuple[tuple[Row, tuple[str, ...]], ...]


def build(report: Report) -> Section:
    """A figure and a table for each setup whose work was counted."""
    panels = [
        panel
        for position, setup in enumerate(report.setups)
        if (panel := _panel(report, setup, position))
    ]
    if not panels:
        return Section(
            _ID,
            _TITLE,
            "Roofline",
            missing="No latency stands beside a count of its operations here.",
        )
    return Section(
        _ID,
        _TITLE,
        "Roofline",
        "Operations (twice the multiply-adds of convolutions and matrix products) of the pass that was timed, over its "
        "median time. The roof is measured beside each baseline: the best of a matrix product and a 3x3 convolution, "
        "and the speed of copying. Far below it, time goes elsewhere: norms, gates, small or depthwise convolutions.",
        {"panels": panels},
    )


def _panel(report: Report, setup: Setup, position: int) -> Panel | None:
    roof = _roof(report, setup)
    reached = [(row, point) for row in report.rows if (point := _reached(report, row, setup))]
    if not reached:
        return None
    label = "Scatter: the rate that every variant reaches under the measured roof; and time against operations"
    figure = draw([point for _, point in reached], roof, name=f"roof{position}", label=label)
    words = (
        f"This machine reached {roof.peak:,.0f} GFLOP/s and copied {roof.bandwidth:,.1f} GB/s under these settings."
        if roof
        else "The roof is unknown: no baseline was timed by itself, or torch cannot measure it in this precision."
    )
    return Panel(
        setup.title, figure, words, tuple((row, _cells(point, roof)) for row, point in reached)
    )


def _roof(report: Report, setup: Setup) -> Roof | None:
    """The best of all probes of a setup: what disturbs one makes it slower."""
    peaks, copies = (
        [
            s
            for row in report.rows
            for item in _of(row, metric, setup)
            for s in item.measurement.samples
        ]
        for metric in ("peak_gflops", "bandwidth_gbs")
    )
    return Roof(max(peaks), max(copies)) if peaks and copies else None


def _reached(report: Report, row: Row, setup: Setup) -> Reached | None:
    found = _work(row, setup)
    times = milliseconds(row, report.rows, setup, "wall")
    if found is None or not times:
        return None
    gflop, intensity = found
    ms = median_interval(times).value
    base = report.row(row.baseline)
    paired = row.judged.get(f"wall:{setup.key}")
    reference = _work(base, setup) if base else None
    against = (gflop / reference[0], paired.estimate.value) if reference and paired else None
    return Reached(row.name, _mark(report, row), gflop, ms, intensity, against)


def _work(row: Row, setup: Setup) -> tuple[float, float] | None:
    """Operations of a pass of the whole batch, in 10⁹, and operations a byte."""
    item = next((item for item in _of(row, "timed_gflop", setup) if item.measurement.samples), None)
    if item is None:
        return None
    batch, intensity = (
        item.measurement.settings.get("batch"),
        item.measurement.notes.get("intensity"),
    )
    assert isinstance(intensity, int | float)
    return item.measurement.samples[0] * (batch if isinstance(batch, int) else 1), float(intensity)


def _of(row: Row, metric: str, setup: Setup) -> list[Item]:
    return [item for item in row.find(metric) if setup_of(item) == setup]


def _mark(report: Report, row: Row) -> Mark:
    if row.role == "base":
        return "base"
    calls: dict[str, Mark] = {"better": "better", "worse": "worse"}
    return calls.get(latency_call(report, row), "same")


def _cells(point: Reached, roof: Roof | None) -> tuple[str, ...]:
    share = f"{point.rate / roof.at(point.intensity):.0%}" if roof else ""
    against = [signed_percent(value - 1) for value in point.against] if point.against else ["", ""]
    return (number(point.gflop, 3), number(point.ms, 2), number(point.rate, 1), share, *against)

"""What each network reaches of what the machine can do: fewer operations are not always less time."""

from dataclasses import dataclass

from markupsafe import Markup

from reports.figures.roofline import Reached, Roof, draw
from reports.model import Item, Report, Row, Setup
from reports.run.calls import latency_mark
from reports.run.latency import milliseconds, setup_of
from reports.section import Section
from reports.words import number, signed_percent
from suite.metrics.evidence.limits import TimedWork
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
    possible = [_panel(report, setup, number) for number, setup in enumerate(report.setups)]
    panels = [panel for panel in possible if panel is not None]
    if not panels:
        missing = "No latency stands beside a count of its operations here."
        return Section(_ID, _TITLE, "Roofline", missing=missing)
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
    points = [point for _, point in reached]
    figure = draw(points, roof, name=f"roof{position}", label=label)
    rows = tuple((row, _cells(point, roof)) for row, point in reached)
    return Panel(setup.title, figure, _roof_sentence(roof), rows)


def _roof_sentence(roof: Roof | None) -> str:
    if roof is None:
        return "The roof is unknown: no baseline was timed by itself, or torch cannot measure it in this precision."
    peak, bandwidth = f"{roof.peak:,.0f} GFLOP/s", f"{roof.bandwidth:,.1f} GB/s"
    return f"This machine reached {peak} and copied {bandwidth} under these settings."


def _roof(report: Report, setup: Setup) -> Roof | None:
    """The best of all probes of a setup: what disturbs one makes it slower."""
    peaks = _samples(report, "peak_gflops", setup)
    copies = _samples(report, "bandwidth_gbs", setup)
    return Roof(max(peaks), max(copies)) if peaks and copies else None


def _samples(report: Report, metric: str, setup: Setup) -> list[float]:
    items = [item for row in report.rows for item in _timed(row, metric, setup)]
    return [sample for item in items for sample in item.measurement.samples]


def _reached(report: Report, row: Row, setup: Setup) -> Reached | None:
    """What a variant reached; None where its work was not counted or its time not taken."""
    work = _work(row, setup)
    times = milliseconds(row, report.rows, setup, "wall")
    if work is None or not times:
        return None
    gflop, intensity = work
    against = _against_base(report, row, setup, gflop)
    ms = median_interval(times).value
    return Reached(row.name, latency_mark(report, row), gflop, ms, intensity, against)


def _against_base(
    report: Report, row: Row, setup: Setup, gflop: float
) -> tuple[float, float] | None:
    """Operations and time over the base's, where both were timed together."""
    base = report.row(row.baseline)
    work = _work(base, setup) if base else None
    paired = row.judged.get(f"wall:{setup.key}")
    return (gflop / work[0], paired.estimate.value) if work and paired else None


def _work(row: Row, setup: Setup) -> tuple[float, float] | None:
    """Operations of a pass of the whole batch, in 10⁹, and operations a byte."""
    items = [item for item in _timed(row, "timed_gflop", setup) if item.measurement.samples]
    if not items:
        return None
    measurement, intensity = items[0].measurement, items[0].evidence(TimedWork).intensity
    if intensity is None:
        return None
    batch = measurement.settings.get("batch")
    pictures = batch if isinstance(batch, int) else 1
    return measurement.samples[0] * pictures, intensity


def _timed(row: Row, metric: str, setup: Setup) -> list[Item]:
    return [item for item in row.find(metric) if setup_of(item) == setup]


def _cells(point: Reached, roof: Roof | None) -> tuple[str, ...]:
    share = f"{point.rate / roof.at(point.intensity):.0%}" if roof else ""
    against = [signed_percent(value - 1) for value in point.against] if point.against else ["", ""]
    return (number(point.gflop, 3), number(point.ms, 2), number(point.rate, 1), share, *against)

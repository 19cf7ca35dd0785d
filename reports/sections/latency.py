"""How fast, how surely, and what this machine can tell apart."""

from dataclasses import dataclass, replace

from markupsafe import Markup

from reports.figures import ecdf
from reports.figures.dots import Dot, forest
from reports.figures.spread import Sample, draw
from reports.model import Report, Row, Setup
from reports.run.judge import latency_rule
from reports.run.latency import Process, clocks_of, processes, setup_of
from reports.run.timing import (
    CallsRow,
    MachineRow,
    aside_words,
    call_rows,
    machine_table,
    machine_words,
    percents,
    resolution_words,
)
from reports.section import Section
from reports.words import CALLS, Mark, counted, signed_percent
from suite.metrics.evidence.timing import Timing
from suite.stats.intervals import Estimate, median_interval

_CLOCK_NAMES = {"wall": "wall time", "cpu": "CPU time"}


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything about one setup."""

    title: str
    clocks: str  # what the two kinds of marks are
    ratios: Markup
    spread: Markup
    calls: Markup
    percents: tuple[str, ...]
    call_rows: list[CallsRow]
    copies: Markup | None
    resolution: str
    stopped: str
    aside: str
    machine: str
    machine_columns: tuple[str, ...]
    machine_rows: list[MachineRow]


def build(report: Report) -> Section:
    """One tab per setup: ratios, scatter of the rounds, copies of the base against the base."""
    panels = [_panel(report, setup) for setup in report.setups]
    title = "Latency"
    if not panels:
        return Section("latency", title, title, missing="Nothing was timed in this run.")
    return Section(
        "latency",
        title,
        title,
        "Every variant is timed in rounds beside its base and a copy of the base, in several processes, alone on the "
        "machine, deployed and untrained. Ratios are read from paired rounds, so what disturbs the machine cancels; "
        "rounds that were disturbed from outside are set aside and counted.",
        {"panels": panels},
    )


def _panel(report: Report, setup: Setup) -> Panel:
    columns, machine = machine_table(report, setup)
    filled = (
        "Filled: wall time, hollow: CPU time, with the intervals that decide, "
        "thicker as far as the 95 % ones of each alone go"
    )
    return Panel(
        title=setup.title,
        clocks="Wall time, with 95 % intervals" if setup.gpu else filled,
        ratios=_ratios(report, setup),
        spread=draw(
            _samples(report, setup),
            name=f"l-{setup.key}s",
            title="rounds against the variant's own median, wall time",
            label="Spread of the rounds of every variant, one line for each process",
        ),
        calls=ecdf.draw(
            _calls(report, setup),
            name=f"l-{setup.key}e",
            title="milliseconds of a single call",
            label="Share of the calls that took no longer than a time, one curve for each variant",
        ),
        percents=percents(),
        call_rows=call_rows(report, setup),
        copies=_copies(report, setup),
        resolution=resolution_words(report, setup),
        stopped=_stopped(report, setup),
        aside=aside_words(report, setup),
        machine=machine_words(report, setup),
        machine_columns=columns,
        machine_rows=machine,
    )


def _ratios(report: Report, setup: Setup) -> Markup:
    clocks = clocks_of(setup)
    dots = [
        dot for row in report.rows for clock in clocks for dot in _ratio_dots(row, setup, clock)
    ]
    return forest(
        dots,
        name=f"l-{setup.key}r",
        title=f"time against the base ({setup.title}); right is slower",
        label="Dots with the intervals that decide: time of every variant over its base's, wall and CPU",
        band=100 * latency_rule(report, f"wall:{setup.key}").floor,
    )


def _copies(report: Report, setup: Setup) -> Markup | None:
    dots = [dot for clock in clocks_of(setup) for dot in _copy_dots(report, setup, clock)]
    if not dots:
        return None
    return forest(
        dots,
        name=f"l-{setup.key}c",
        title="a copy of the base against the base itself",
        label="Dots with 95 % intervals: a copy of the base over the base, which should be zero",
        band=100 * (report.resolution(f"wall:{setup.key}") or 0.0),
    )


def _ratio_dots(row: Row, setup: Setup, clock: str) -> list[Dot]:
    judged = row.judged.get(f"{clock}:{setup.key}")
    if judged is None:
        return []
    verdict = judged.verdict
    tip = f"{row.name}, {_CLOCK_NAMES[clock]}: {verdict.word}, {verdict.sentence}"
    names, mark = (row.name, row.name), CALLS[verdict.word]
    dot = _dot(names, judged.deciding, mark, tip, hollow=clock == "cpu")
    plain = _dot(names, judged.estimate, mark, tip, hollow=clock == "cpu")
    return [replace(dot, core=(plain.low, plain.high))]


def _copy_dots(report: Report, setup: Setup, clock: str) -> list[Dot]:
    dots = []
    for name, estimate in report.copies.get(f"{clock}:{setup.key}", ()):
        apart = signed_percent(estimate.value - 1, 2)
        tip = f"copy measured beside {name}, {_CLOCK_NAMES[clock]}: {apart}"
        dots.append(_dot((f"beside {name}", name), estimate, "same", tip, hollow=clock == "cpu"))
    return dots


def _dot(row: tuple[str, str], estimate: Estimate, mark: Mark, tip: str, *, hollow: bool) -> Dot:
    finite = estimate.high != float("inf")
    value = 100 * (estimate.value - 1)
    low = 100 * (estimate.low - 1) if finite else value
    high = 100 * (estimate.high - 1) if finite else value
    return Dot(*row, value, low, high, mark, tip, hollow)


def _samples(report: Report, setup: Setup) -> list[Sample]:
    samples = []
    for row in report.rows:
        timed = processes(row, setup, "wall")
        is_base = row.role == "base"
        samples += [Sample(row.name, p.replica, p.counted, base=is_base) for p in timed]
        if not timed:
            samples += _base_samples(report, row, setup)
    return samples


def _base_samples(report: Report, row: Row, setup: Setup) -> list[Sample]:
    """A baseline's rounds, as its variants' processes saw it: the middle three of them by median."""
    variants = [other for other in report.rows if other.baseline == row.name]
    beside = [p for variant in variants for p in processes(variant, setup, "wall") if p.base]
    chosen = _middle_three(sorted(beside, key=lambda p: median_interval(p.base).value))
    return [Sample(row.name, number, p.base, base=True) for number, p in enumerate(chosen)]


def _middle_three(ordered: list[Process]) -> list[Process]:
    if len(ordered) <= 3:
        return ordered
    quarter = len(ordered) // 4
    return [ordered[quarter], ordered[len(ordered) // 2], ordered[-1 - quarter]]


def _calls(report: Report, setup: Setup) -> list[ecdf.Calls]:
    """Every call of every variant; a baseline that has no process of its own is not drawn."""
    series = []
    for row in report.rows:
        calls = tuple(call for process in processes(row, setup, "wall") for call in process.calls)
        if calls:
            series.append(ecdf.Calls(row.name, calls, base=row.role == "base"))
    return series


def _stopped(report: Report, setup: Setup) -> str:
    """How many processes ended because the ratio was known well enough, and how many at their time limit."""
    timings = [item for row in report.rows for item in row.find("latency_wall_ms")]
    ends = [item.evidence(Timing).stopped_by for item in timings if setup_of(item) == setup]
    precise = ends.count("precision")
    if not precise and "cap" not in ends:
        return ""
    if max(item.job.replica or 0 for item in timings) == 0:
        return "There was one process only, so what a new process alone changes is not seen here."
    whole = counted(len(ends), "process", "processes")
    return f"{precise} of {whole} stopped because the ratio was known well enough; the others at their time limit."

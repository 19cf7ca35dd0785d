"""How fast, how surely, and what this machine can tell apart."""

from dataclasses import dataclass

from markupsafe import Markup

from reports.figures import ecdf
from reports.figures.dots import Dot, forest
from reports.figures.marks import Mark
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
from reports.words import CALLS, counted, signed_percent
from suite.stats.intervals import Estimate, median_interval

_CLOCK_WORDS = {"wall": "wall time", "cpu": "CPU time"}


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything about one setup."""

    key: str
    title: str
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
    clocks: str


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
    clocks = clocks_of(setup)
    dots = [d for row in report.rows for clock in clocks for d in _ratio_dots(row, setup, clock)]
    copies = [d for clock in clocks for d in _copy_dots(report, setup, clock)]
    columns, machine = machine_table(report, setup)
    key = f"wall:{setup.key}"
    name = f"l-{setup.key}"
    band = 100 * latency_rule(report, key).floor
    return Panel(
        name,
        setup.title,
        forest(dots, name=f"{name}r", title=f"time against the base ({setup.title}); right is slower",
               label="Dots with 95 % intervals: time of every variant over its base's, wall and CPU", band=band),
        draw(_samples(report, setup), name=f"{name}s", title="rounds against the variant's own median, wall time",
             label="Spread of the rounds of every variant, one line for each process"),
        ecdf.draw(_calls(report, setup), name=f"{name}e", title="milliseconds of a single call",
                  label="Share of the calls that took no longer than a time, one curve for each variant"),
        percents(),
        call_rows(report, setup),
        forest(copies, name=f"{name}c", title="a copy of the base against the base itself",
               label="Dots with 95 % intervals: a copy of the base over the base, which should be zero",
               band=100 * (report.resolution(key) or 0.0)) if copies else None,
        resolution_words(report, setup),
        _stopped(report, setup),
        aside_words(report, setup),
        machine_words(report, setup),
        columns,
        machine,
        "Wall time, with 95 % intervals" if setup.gpu else "Filled: wall time, hollow: CPU time, with 95 % intervals",
    )  # fmt: skip


def _ratio_dots(row: Row, setup: Setup, clock: str) -> list[Dot]:
    found = row.judged.get(f"{clock}:{setup.key}")
    if found is None:
        return []
    tip = f"{row.name}, {_CLOCK_WORDS[clock]}: {found.verdict.word}, {found.verdict.sentence}"
    return [
        _dot(
            (row.name, row.name),
            found.estimate,
            CALLS[found.verdict.word],
            tip,
            hollow=clock == "cpu",
        )
    ]


def _copy_dots(report: Report, setup: Setup, clock: str) -> list[Dot]:
    return [
        _dot((f"beside {name}", name), estimate, "same",
             f"copy measured beside {name}, {_CLOCK_WORDS[clock]}: {signed_percent(estimate.value - 1, 2)}",
             hollow=clock == "cpu")
        for name, estimate in report.copies.get(f"{clock}:{setup.key}", ())
    ]  # fmt: skip


def _dot(row: tuple[str, str], estimate: Estimate, mark: Mark, tip: str, *, hollow: bool) -> Dot:
    finite = estimate.high != float("inf")
    value = 100 * (estimate.value - 1)
    low = 100 * (estimate.low - 1) if finite else value
    high = 100 * (estimate.high - 1) if finite else value
    return Dot(*row, value, low, high, mark, tip, hollow)


def _samples(report: Report, setup: Setup) -> list[Sample]:
    found = []
    for row in report.rows:
        own = processes(row, setup, "wall")
        found += [Sample(row.name, p.replica, p.counted, base=row.role == "base") for p in own]
        if not own:
            found += _base_samples(report, row, setup)
    return found


def _base_samples(report: Report, row: Row, setup: Setup) -> list[Sample]:
    """A baseline's rounds, as its variants' processes saw it: the middle three of them by median."""
    beside: list[Process] = [
        p
        for other in report.rows
        if other.baseline == row.name
        for p in processes(other, setup, "wall")
        if p.base
    ]
    beside.sort(key=lambda p: median_interval(p.base).value)
    quarter = len(beside) // 4
    chosen = (
        beside
        if len(beside) <= 3
        else [beside[quarter], beside[len(beside) // 2], beside[-1 - quarter]]
    )
    return [Sample(row.name, number, p.base, base=True) for number, p in enumerate(chosen)]


def _calls(report: Report, setup: Setup) -> list[ecdf.Calls]:
    """Every call of every variant; a baseline that has no process of its own is not drawn."""
    found = []
    for row in report.rows:
        calls = tuple(call for process in processes(row, setup, "wall") for call in process.calls)
        found += [ecdf.Calls(row.name, calls, base=row.role == "base")] if calls else []
    return found


def _stopped(report: Report, setup: Setup) -> str:
    """How many processes ended because the ratio was known well enough, and how many at their time limit."""
    reasons = [
        item.measurement.notes.get("stopped_by")
        for row in report.rows
        for item in row.find("latency_wall_ms")
        if setup_of(item) == setup
    ]
    precise = reasons.count("precision")
    if not precise and "cap" not in reasons:
        return ""
    if (
        max(item.job.replica or 0 for row in report.rows for item in row.find("latency_wall_ms"))
        == 0
    ):
        return "There was one process only, so what a new process alone changes is not seen here."
    whole = counted(len(reasons), "process", "processes")
    return f"{precise} of {whole} stopped because the ratio was known well enough; the others at their time limit."

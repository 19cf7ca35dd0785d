"""Tables and sentences about how timings came about: calls, outliers, and what the machine did meanwhile."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reports.model import Report, Row, Setup
from reports.run.latency import Process, processes
from reports.words import UNKNOWN, counted, listed, number
from suite.machine.nvml import throttled
from suite.metrics.evidence.timing import Outliers
from suite.stats.percentiles import LEAST, percentiles
from suite.stats.resolution import REFUSED_FROM, Resolution, admission


class _Reading(NamedTuple):
    """What a round's readings are called, their unit, digits, and factor; whether the sentence names them."""

    title: str
    unit: str
    digits: int
    factor: float = 1.0
    in_sentence: bool = True


_READINGS = {
    "load": _Reading("load average", "", 1),
    "others": _Reading("other processes", " cores", 2),
    "steal": _Reading("taken by the host", " %", 1, 100.0),
    "mhz": _Reading("clock", " MHz", 0),
    "waited": _Reading("wall over CPU time", "", 2, in_sentence=False),
    "switches": _Reading("switched out", "", 0, in_sentence=False),
    "sm_mhz": _Reading("GPU clock", " MHz", 0),
    "memory_mhz": _Reading("GPU memory clock", " MHz", 0, in_sentence=False),
    "celsius": _Reading("GPU", " °C", 0),
    "watts": _Reading("GPU", " W", 0),
}


@dataclass(frozen=True, slots=True)
class CallsRow:
    """One variant: percentiles of its calls in order, as text and, where one is missing, why."""

    row: Row
    calls: str
    percentiles: tuple[tuple[str, str], ...]
    rounds: str
    aside: str
    ratio: str  # with every round, where some were set aside


@dataclass(frozen=True, slots=True)
class MachineRow:
    """One process: whose, and what was seen during its rounds, column by column."""

    name: str
    cells: tuple[str, ...]


def percents() -> tuple[str, ...]:
    """The headings of the percentiles."""
    return tuple("median" if percent == 50 else f"p{percent}" for percent in sorted(LEAST))


def call_rows(report: Report, setup: Setup) -> list[CallsRow]:
    """A row for every variant that was timed in this setup."""
    every = [(row, processes(row, setup, "wall")) for row in report.rows]
    return [_calls_row(row, timed) for row, timed in every if timed]


def machine_table(report: Report, setup: Setup) -> tuple[tuple[str, ...], list[MachineRow]]:
    """Headings and rows: median and range of each reading, process by process, in the order of the run's variants."""
    every = _named_processes(report, setup)
    names = [name for name in _READINGS if any(process.readings(name) for _, process in every)]
    if not names:
        return (), []
    rows = [
        MachineRow(title, tuple(_range(process, name) for name in names))
        for title, process in every
    ]
    return tuple(_heading(_READINGS[name]) for name in names), rows


def _heading(reading: _Reading) -> str:
    return f"{reading.title},{reading.unit}" if reading.unit else reading.title


def _named_processes(report: Report, setup: Setup) -> list[tuple[str, Process]]:
    """Every process that timed a variant in this setup, under the name that a reader knows it by."""
    return [
        (f"{row.name}, process {process.replica + 1}", process)
        for row in report.rows
        for process in processes(row, setup, "wall")
    ]


def aside_words(report: Report, setup: Setup) -> str:
    """How many rounds were set aside, by which rule, and for which reasons."""
    every = [process for _, process in _named_processes(report, setup)]
    outliers = [process.timing.outliers for process in every]
    recorded = [each for each in outliers if each is not None]
    if not recorded:
        return ""
    total = sum(len(process.times) for process in every)
    why: Counter[str] = Counter()
    for each in recorded:
        why.update(each.why or {})
    rule = f"Rule: {recorded[0].rule or ''}."
    if not why:
        return f"None of {total:,} rounds was disturbed, so none is set aside. {rule}"
    reasons = listed([f"{reason} ({count})" for reason, count in why.most_common()])
    disturbed = f"{why.total():,} of {total:,} rounds were disturbed: {reasons}"
    return f"{disturbed}. {_consequence(recorded)} {rule}"


def _consequence(recorded: Sequence[Outliers]) -> str:
    """Whether the disturbed rounds count: they do where too few others would be left."""
    useless = sum(bool(each.why) and not each.left_out for each in recorded)
    if not useless:
        return "They are set aside."
    where = counted(useless, "process", "processes")
    return f"In {where} too few others would be left, so all count there; elsewhere they are set aside."


def machine_words(report: Report, setup: Setup) -> str:
    """Load, clock and temperature over all rounds, in one sentence."""
    every = [process for _, process in _named_processes(report, setup)]
    parts = [_reach(every, name) for name, reading in _READINGS.items() if reading.in_sentence]
    parts += _slowed(every)
    shown = [part for part in parts if part]
    return f"During the rounds: {', '.join(shown)}." if shown else ""


def _reach(every: Sequence[Process], name: str) -> str:
    """From the lowest to the highest of a reading; "" where there is none."""
    reading = _READINGS[name]
    values = [reading.factor * value for process in every for value in process.readings(name)]
    if not values:
        return ""
    low, high = number(min(values), reading.digits), number(max(values), reading.digits)
    reach = low if low == high else f"{low} to {high}"
    return f"{reading.title} {reach}{reading.unit}"


def _slowed(every: Sequence[Process]) -> list[str]:
    """In how many rounds a GPU said that it was slowed down, by cause."""
    bits = [each for process in every for each in process.readings("throttle")]
    causes = Counter(cause for each in bits for cause in throttled(each))
    return [f"slowed down by {cause} in {counted(n, 'round')}" for cause, n in causes.items()]


def resolution_words(report: Report, setup: Setup) -> str:
    """The sentence that says what a difference has to exceed here, and whether the machine was fit."""
    resolution = report.resolutions.get(f"wall:{setup.key}")
    if resolution is None:
        return "No copy of the base was timed, so the machine's resolution is unknown."
    copies = counted(resolution.processes, "identical copy", "identical copies")
    return (
        f"Differences under {100 * resolution.value:.1f} % could not be seen in this run: so much do "
        f"{copies} of a base differ from it (at most {100 * resolution.worst:.1f} % in one process). "
        f"{_admission(resolution, report.rules.latency_floor)}"
    )


def _admission(resolution: Resolution, floor: float) -> str:
    """Whether the machine was fit to tell differences as small as the protocol's floor."""
    stated = f"the protocol's {100 * floor:.1f} %"
    admitted = admission(resolution, floor)
    if admitted == "admitted":
        return f"The machine is admitted: a difference counts from {stated}."
    if admitted == "refused":
        return (
            f"⚠ The machine is refused: it cannot see {REFUSED_FROM:g} times {stated}; "
            "measure again where it is quiet."
        )
    return (
        "The machine is admitted with a wider floor: a difference counts from "
        f"{100 * resolution.value:.1f} %, not from {stated}."
    )


def _calls_row(row: Row, timed: Sequence[Process]) -> CallsRow:
    calls = [call for process in timed for call in process.calls]
    rounds, kept = sum(len(p.times) for p in timed), sum(len(p.kept) for p in timed)
    shown = tuple(
        (number(p.value, 2) if p.value is not None else UNKNOWN, p.why) for p in percentiles(calls)
    )
    ratio = ""
    if rounds != kept:
        with_all = _median_ratio(timed, every=True)
        ratio = f"{_median_ratio(timed, every=False)} ({with_all} with all rounds)"
    return CallsRow(row, f"{len(calls):,}", shown, f"{rounds:,}", f"{rounds - kept:,}", ratio)


def _median_ratio(timed: Sequence[Process], *, every: bool) -> str:
    ratios = [process.ratios(every=every) for process in timed]
    medians = [statistics.median(rounds) for rounds in ratios if rounds]
    return f"×{math.exp(statistics.mean(medians)):.3f}" if medians else UNKNOWN


def _range(process: Process, name: str) -> str:
    """The median of a reading, and its lowest and highest where they differ."""
    values = process.readings(name)
    if not values:
        return UNKNOWN
    reading = _READINGS[name]
    low, middle, high = (
        number(reading.factor * value, reading.digits)
        for value in (min(values), statistics.median(values), max(values))
    )
    return middle if low == high else f"{middle} ({low} to {high})"

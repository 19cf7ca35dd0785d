"""Tables and sentences about how timings came about: calls, rounds set aside, and what the machine did meanwhile."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.model import Report, Row, Setup
from reports.run.latency import Process, processes
from reports.words import UNKNOWN, counted, listed, number
from suite.machine.nvml import throttled
from suite.record import Json
from suite.stats.percentiles import LEAST, percentiles
from suite.stats.resolution import REFUSED_FROM, admission

_SEEN = {  # what a round's readings are called, their unit, digits, and factor
    "load": ("load average", "", 1, 1.0),
    "others": ("other processes", " cores", 2, 1.0),
    "steal": ("taken by the host", " %", 1, 100.0),
    "mhz": ("clock", " MHz", 0, 1.0),
    "waited": ("wall over CPU time", "", 2, 1.0),
    "switches": ("switched out", "", 0, 1.0),
    "sm_mhz": ("GPU clock", " MHz", 0, 1.0),
    "memory_mhz": ("GPU memory clock", " MHz", 0, 1.0),
    "celsius": ("GPU", " °C", 0, 1.0),
    "watts": ("GPU", " W", 0, 1.0),
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
    return [
        _calls_row(row, found) for row in report.rows if (found := processes(row, setup, "wall"))
    ]


def machine_table(report: Report, setup: Setup) -> tuple[tuple[str, ...], list[MachineRow]]:
    """Headings and rows: median and range of each reading, process by process, in the order of the run's variants."""
    every = [(row, process) for row in report.rows for process in processes(row, setup, "wall")]
    names = [name for name in _SEEN if any(_readings(process, name) for _, process in every)]
    headings = tuple(
        f"{words},{unit}" if unit else words for words, unit, _, _ in map(_SEEN.__getitem__, names)
    )
    rows = [
        MachineRow(
            f"{row.name}, process {process.replica + 1}",
            tuple(_range(process, name) for name in names),
        )
        for row, process in every
    ]
    return headings, rows if names else []


def aside_words(report: Report, setup: Setup) -> str:
    """How many rounds were set aside, by which rule, and for which reasons."""
    every = [process for row in report.rows for process in processes(row, setup, "wall")]
    notes = [
        found for process in every if isinstance(found := process.notes.get("set_aside"), dict)
    ]
    if not notes:
        return ""
    total = sum(len(process.times) for process in every)
    why: Counter[str] = Counter()
    for note in notes:
        reasons = note.get("why")
        why.update(
            {key: int(str(count)) for key, count in reasons.items()}
            if isinstance(reasons, dict)
            else {}
        )
    rule = f"Rule: {notes[0].get('rule', '')}."
    if not why:
        return f"None of {total:,} rounds was disturbed, so none is set aside. {rule}"
    useless = sum(bool(note.get("why")) and not note.get("left_out") for note in notes)
    consequence = "They are set aside."
    if useless:
        processes_words = counted(useless, "process", "processes")
        consequence = (
            f"In {processes_words} too few others would be left, so all count there; "
            "elsewhere they are set aside."
        )
    reasons_words = listed([f"{reason} ({count})" for reason, count in why.most_common()])
    return f"{sum(why.values()):,} of {total:,} rounds were disturbed: {reasons_words}. {consequence} {rule}"


def machine_words(report: Report, setup: Setup) -> str:
    """Load, clock and temperature over all rounds, in one sentence."""
    every = [process for row in report.rows for process in processes(row, setup, "wall")]
    parts = []
    for name, (words, unit, digits, factor) in _SEEN.items():
        values = [factor * value for process in every for value in _readings(process, name)]
        if values and name not in {"switches", "waited", "memory_mhz"}:
            low, high = number(min(values), digits), number(max(values), digits)
            parts.append(f"{words} {low if low == high else f'{low} to {high}'}{unit}")
    slowed = Counter(
        cause
        for process in every
        for bits in _readings(process, "throttle")
        for cause in throttled(bits)
    )
    parts += [
        f"slowed down by {cause} in {counted(count, 'round')}" for cause, count in slowed.items()
    ]
    return f"During the rounds: {', '.join(parts)}." if parts else ""


def resolution_words(report: Report, setup: Setup) -> str:
    """The sentence that says what a difference has to exceed here, and whether the machine was fit."""
    found = report.resolutions.get(f"wall:{setup.key}")
    if found is None:
        return "No copy of the base was timed, so the machine's resolution is unknown."
    floor = report.rules.latency_floor
    stated = f"the protocol's {100 * floor:.1f} %"
    told = {
        "admitted": f"The machine is admitted: a difference counts from {stated}.",
        "admitted with a wider floor": f"The machine is admitted with a wider floor: a difference counts from "
        f"{100 * found.value:.1f} %, not from {stated}.",
        "refused": f"⚠ The machine is refused: it cannot see {REFUSED_FROM:g} times {stated}; "
        "measure again where it is quiet.",
    }[admission(found, floor)]
    return (
        f"Differences under {100 * found.value:.1f} % could not be seen in this run: so much do "
        f"{counted(found.processes, 'identical copy', 'identical copies')} of a base differ from it (at most "
        f"{100 * found.worst:.1f} % in one process). {told}"
    )


def _calls_row(row: Row, found: Sequence[Process]) -> CallsRow:
    calls = [call for process in found for call in process.calls]
    rounds, kept = sum(len(p.times) for p in found), sum(len(p.kept) for p in found)
    shown = tuple(
        (number(p.value, 2) if p.value is not None else UNKNOWN, p.why) for p in percentiles(calls)
    )
    every = _median_ratio(found, every=True)
    apart = (
        f"{_median_ratio(found, every=False)} ({every} with all rounds)" if rounds != kept else ""
    )
    return CallsRow(row, f"{len(calls):,}", shown, f"{rounds:,}", f"{rounds - kept:,}", apart)


def _median_ratio(found: Sequence[Process], *, every: bool) -> str:
    medians = [
        statistics.median(ratios) for process in found if (ratios := process.ratios(every=every))
    ]
    return f"×{math.exp(statistics.mean(medians)):.3f}" if medians else UNKNOWN


def _readings(process: Process, name: str) -> list[float]:
    seen = process.notes.get("seen")
    return list(_numbers(seen.get(name))) if isinstance(seen, dict) else []


def _numbers(values: Json) -> Iterable[float]:
    return (
        (float(value) for value in values if isinstance(value, int | float))
        if isinstance(values, list)
        else ()
    )


def _range(process: Process, name: str) -> str:
    values = _readings(process, name)
    if not values:
        return UNKNOWN
    _, _, digits, factor = _SEEN[name]
    low, middle, high = (number(factor * f(values), digits) for f in (min, statistics.median, max))
    return middle if low == high else f"{middle} ({low} to {high})"

"""Who is better, who is worse, and who cannot be told apart: one line per variant."""

import math
from dataclasses import dataclass

from reports.model import Judged, Report, Row
from reports.run.budget import unequal_budget
from reports.run.certainty import Certainty, certainties, chance_words, needed_words
from reports.run.headline import recipe_warning, stride_warning
from reports.run.judge import latency_rule, matched_words, missed_words
from reports.run.published import outside_band
from reports.section import Section
from reports.start import start_warning, start_words
from reports.table import STATES, Cell, judged_cell, relative
from reports.words import UNKNOWN, compact, number
from suite.stats.intervals import Estimate

_WORDS = {
    ("ap", "better"): "better",
    ("ap", "worse"): "worse",
    ("ap", "equal"): "equivalent",
    ("latency", "equal"): "equal",
    ("latency", "better"): "faster",
    ("latency", "worse"): "slower",
}


@dataclass(frozen=True, slots=True)
class Strip:
    """A dot with its interval on a strip 100 wide, neutral at 50; what does not fit ends in an arrow."""

    low: float
    dot: float
    high: float
    floor: float  # half-width of the band in which a difference does not matter
    off_left: bool
    off_right: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One cell: what is said, and its strip."""

    word: str
    cell: Cell
    strip: Strip | None
    needed: str  # seeds or processes that would settle it


@dataclass(frozen=True, slots=True)
class Line:
    """One variant."""

    row: Row
    state: str
    start: str  # what training began with
    badges: tuple[str, ...]
    compared: tuple[Comparison | None, ...]  # one per column
    costs: tuple[Cell, ...]
    evidence: tuple[Certainty, ...]
    matched: str  # what equal cost came to


@dataclass(frozen=True, slots=True)
class _Column:
    key: str
    title: str
    kind: str  # "ap" or "latency"
    reach: float  # the strip shows neutral ± reach
    floor: float
    neutral: float


def build(report: Report) -> Section:
    """The verdict table."""
    if not any(row.baseline for row in report.rows):
        return Section(
            "verdicts",
            "Verdicts",
            "Verdicts",
            missing="No variant of this run has its baseline in the run, so nothing is compared.",
        )
    columns = _columns(report)
    return Section(
        "verdicts",
        "Verdicts",
        "Verdicts",
        "▲ better, ▼ worse: certain after Holm's correction over all variants and more than the shaded floor; "
        "= equivalent: certainly within the floor; ≈ cannot tell. Dots with plain 95 % intervals (* of the test "
        "pictures alone); the middle line is the base, an arrow leaves the strip.",
        {"columns": columns, "groups": _groups(report, columns), "chance": chance_words(report)},
    )


def _columns(report: Report) -> tuple[_Column, ...]:
    floor = report.rules.ap_floor
    found = [
        _Column("ap", "AP", "ap", 0.0, floor, 0.0),
        _Column("ap50", "AP50", "ap", 0.0, floor, 0.0),
    ]
    for setup in report.plain_setups:
        key = f"wall:{setup.key}"
        title = "Latency" if setup is report.setups[0] else f"Latency, {setup.title}"
        found.append(_Column(key, title, "latency", 0.0, latency_rule(report, key).floor, 1.0))
    return tuple(
        _Column(c.key, c.title, c.kind, _reach(report, c), c.floor, c.neutral)
        for c in found
        if any(c.key in row.judged for row in report.rows)
    )


def _reach(report: Report, column: _Column) -> float:
    """Three of four variants fit with room, and a typical interval; outliers end in an arrow."""
    found = [row.judged[column.key].estimate for row in report.rows if column.key in row.judged]
    dots = sorted(abs(_apart(e.value, column.neutral)) for e in found)
    halves = sorted(_apart(e.high, column.neutral) - _apart(e.low, column.neutral) for e in found)
    typical = halves[len(halves) // 2] / 2
    usual = dots[(3 * len(dots)) // 4 if len(dots) > 3 else -1]
    return max(1.35 * usual, 2.2 * typical if math.isfinite(typical) else 0.0, 3 * column.floor)


def _apart(value: float, neutral: float) -> float:
    """Distance from neutral; ratios by their logarithm, so that twice as fast is as far as twice as slow."""
    return (
        value - neutral if neutral == 0 or not 0 < value < math.inf else math.log(value / neutral)
    )


def _line(report: Report, row: Row, columns: tuple[_Column, ...]) -> Line:
    warning = stride_warning(report, row)
    badges = [warning] if warning else []
    unequal = start_warning(report, row)
    badges += [unequal] if unequal else []
    badges += [
        words for words in row.record.warnings if not (warning and words.startswith("strides"))
    ]
    badges += [words] if (words := recipe_warning(report, row)) else []
    badges += [f"accuracy not judged: {words}"] if (words := unequal_budget(report, row)) else []
    badges += [words] if (words := missed_words(row)) else []
    badges += [words] if (words := outside_band(report, row)) else []
    badges += _lost(row)
    base = report.row(row.baseline)
    costs = [
        _cost(
            row.exact(metric), base.exact(metric) if base else None, report.rules.cost_floor, metric
        )
        for metric in ("params", "gmacs")
    ]
    return Line(
        row,
        STATES[row.state],
        start_words(row),
        tuple(badges),
        tuple(_compared(row.judged.get(column.key), column) for column in columns),
        tuple(costs),
        tuple(certainties(report, row)),
        matched_words(row),
    )


def _lost(row: Row) -> list[str]:
    """What of a variant that has results is missing."""
    if row.state == "failed":
        return []
    kinds = (("train", "seeds"), ("latency", "timings"), ("static", "counts"))
    found = []
    for kind, words in kinds:
        jobs = [job for job in row.jobs if job.kind == kind]
        lost = sum(job.status == "failed" for job in jobs)
        found += [f"{lost} of {len(jobs)} {words} failed"] if lost else []
    return found


def _compared(found: Judged | None, column: _Column) -> Comparison | None:
    if found is None:
        return None
    cell = judged_cell(found, ratio=column.kind == "latency")
    word = _WORDS.get((column.kind, cell.call), "cannot tell")
    needed = found.verdict.needed
    more = needed_words(needed) if cell.call == "same" else ""
    return Comparison(
        word, cell, strip(found.estimate, column.neutral, column.reach, column.floor), more
    )


def strip(estimate: Estimate, neutral: float, reach: float, floor: float) -> Strip:
    """Place an estimate on a strip that shows `neutral` ± `reach`."""

    def place(value: float) -> float:
        return min(max(50 + 47 * _apart(value, neutral) / reach, 3.0), 97.0)

    return Strip(
        place(estimate.low),
        place(estimate.value),
        place(estimate.high),
        min(47 * floor / reach, 47.0),
        _apart(estimate.low, neutral) < -reach,
        _apart(estimate.high, neutral) > reach,
    )


def _cost(value: float | None, base: float | None, floor: float, metric: str) -> Cell:
    words, call = relative(value, base, floor=floor)
    if value is None:
        return Cell()
    text = compact(value) if metric == "params" else number(value, 3)
    return Cell(words or UNKNOWN, text, value, call)


def _groups(
    report: Report, columns: tuple[_Column, ...]
) -> list[tuple[dict[str, object], list[Line]]]:
    """Every baseline with its absolute figures, and the lines of all that refers to it."""
    names = list(dict.fromkeys(row.baseline for row in report.rows if row.baseline))
    return [
        (
            _base(row),
            [_line(report, other, columns) for other in report.rows if other.baseline == name],
        )
        for name in names
        if (row := report.row(name)) is not None
    ]


def _base(row: Row) -> dict[str, object]:
    return {
        "row": row,
        "start": start_words(row),
        "ap": number(row.mean("ap")),
        "ap50": number(row.mean("ap50")),
        "params": compact(row.exact("params")),
        "gmacs": number(row.exact("gmacs"), 3),
    }

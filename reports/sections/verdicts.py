"""Who is better, who is worse, and who cannot be told apart: one line per variant."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reports.model import Report, Row
from reports.run.certainty import Certainty, certainties, chance_words, needed_words
from reports.run.judge import latency_rule, matched_words
from reports.run.warnings import badges
from reports.section import Section
from reports.start import start_words
from reports.table import STATES, Cell, judged_cell, over_base
from reports.words import UNKNOWN, compact, number
from suite.stats.intervals import Estimate

_ID, _TITLE = "verdicts", "Verdicts"
_SETTLED = {
    ("ap", "better"): "better",
    ("ap", "worse"): "worse",
    ("ap", "equal"): "equivalent",
    ("latency", "equal"): "equal",
    ("latency", "better"): "faster",
    ("latency", "worse"): "slower",
}


@dataclass(frozen=True, slots=True)
class Strip:
    """A dot with its interval on a strip 100 wide, neutral at 50; what does not fit ends in an arrow.

    The line is the interval that decides, its core the plain one.
    """

    low: float
    dot: float
    high: float
    core: tuple[float, float]
    floor: float  # half-width of the band in which a difference does not matter
    off_left: bool
    off_right: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One cell: what is said and its strip, or `absent`: why nothing is."""

    cell: Cell = field(default_factory=Cell)
    word: str = ""  # "" where the verdict is open
    strip: Strip | None = None
    needed: str = ""  # seeds or processes that would settle it
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One variant."""

    row: Row
    state: str
    control: str  # whether a control is called what it must be
    start: str  # what training began with
    badges: tuple[str, ...]
    compared: tuple[Comparison, ...]  # one per column
    costs: tuple[Cell, ...]
    evidence: tuple[Certainty, ...]
    matched: str  # what equal cost came to


@dataclass(frozen=True, slots=True)
class Base:
    """A baseline with its absolute figures; `values` are a number and its unit, one per column."""

    row: Row
    start: str
    values: tuple[tuple[str, str], ...]
    params: str
    gmacs: str


@dataclass(frozen=True, slots=True)
class _Column:
    key: str
    title: str
    kind: str  # "ap" or "latency"
    reach: float  # the strip shows neutral ± reach
    floor: float
    neutral: float

    @property
    def against(self) -> str:
        """What a value is, in a few words under the title."""
        return "over base" if self.kind == "latency" else "Δ to base"


def build(report: Report) -> Section:
    """The verdict table."""
    if not any(row.baseline for row in report.rows):
        missing = "No variant of this run has its baseline in the run, so nothing is compared."
        return Section(_ID, _TITLE, _TITLE, missing=missing)
    columns = _columns(report)
    return Section(
        _ID,
        _TITLE,
        _TITLE,
        "▲ better, ▼ worse: certain after Holm's correction over all variants and more than the shaded floor; "
        "= equivalent: certainly within the floor; ≈ cannot tell. Dots with the intervals that decide, which the same "
        "correction widens, thicker as far as the plain 95 % ones go (* of the test pictures alone); the middle line "
        "is the base, an arrow leaves the strip.",
        {
            "columns": columns,
            "settles": bool(columns) and columns[0].key == "ap",
            "groups": _groups(report, columns),
            "chance": chance_words(report),
        },
    )


def _columns(report: Report) -> tuple[_Column, ...]:
    """The metrics by which any variant is judged."""
    floor = report.rules.ap_floor
    columns = [
        _Column("ap", "AP", "ap", 0.0, floor, 0.0),
        _Column("ap50", "AP50", "ap", 0.0, floor, 0.0),
    ]
    for setup in report.plain_setups:
        key = f"wall:{setup.key}"
        title = "Latency" if setup is report.setups[0] else f"Latency, {setup.title}"
        columns.append(_Column(key, title, "latency", 0.0, latency_rule(report, key).floor, 1.0))
    judged = {key for row in report.rows for key in row.judged}
    return tuple(
        replace(column, reach=_reach(report, column)) for column in columns if column.key in judged
    )


def _reach(report: Report, column: _Column) -> float:
    """Three of four variants fit with room, and a typical interval; outliers end in an arrow."""
    judged = [row.judged[column.key] for row in report.rows if column.key in row.judged]
    estimates = [comparison.deciding for comparison in judged]
    dots = sorted(abs(_apart(e.value, column.neutral)) for e in estimates)
    widths = [_apart(e.high, column.neutral) - _apart(e.low, column.neutral) for e in estimates]
    typical = sorted(widths)[len(widths) // 2] / 2
    usual = dots[(3 * len(dots)) // 4 if len(dots) > 3 else -1]
    return max(1.35 * usual, 2.2 * typical if math.isfinite(typical) else 0.0, 3 * column.floor)


def _apart(value: float, neutral: float) -> float:
    """Distance from neutral; ratios by their logarithm, so that twice as fast is as far as twice as slow."""
    if neutral == 0 or not 0 < value < math.inf:
        return value - neutral
    return math.log(value / neutral)


def _groups(report: Report, columns: Sequence[_Column]) -> list[tuple[Base, list[Line]]]:
    """Every baseline with its absolute figures, and the lines of all that refers to it."""
    names = dict.fromkeys(row.baseline for row in report.rows if row.baseline)
    bases = [row for name in names if (row := report.row(name)) is not None]
    return [(_base(base, columns), _lines(report, base, columns)) for base in bases]


def _base(row: Row, columns: Sequence[_Column]) -> Base:
    values = [
        (number(row.mean(column.key)), column.title) if column.kind == "ap" else ("×1", "")
        for column in columns
    ]
    return Base(
        row,
        start_words(row),
        tuple(values),
        compact(row.exact("params")),
        number(row.exact("gmacs"), 3),
    )


def _lines(report: Report, base: Row, columns: Sequence[_Column]) -> list[Line]:
    return [_line(report, row, columns) for row in report.rows if row.baseline == base.name]


def _line(report: Report, row: Row, columns: Sequence[_Column]) -> Line:
    return Line(
        row,
        STATES[row.state],
        _control(row),
        start_words(row),
        badges(report, row),
        tuple(_compared(row, column) for column in columns),
        (_cost(report, row, "params"), _cost(report, row, "gmacs")),
        tuple(certainties(report, row)),
        matched_words(row),
    )


def _control(row: Row) -> str:
    if row.role != "control":
        return ""
    as_it_must = row.state == row.record.control
    return "control: as it must be" if as_it_must else f"control: NOT {row.record.control}"


def _compared(row: Row, column: _Column) -> Comparison:
    judged = row.judged.get(column.key)
    if judged is None:
        return Comparison(absent=_absent(row, column))
    cell = judged_cell(judged, ratio=column.kind == "latency")
    placed = strip(
        judged.deciding, column.neutral, column.reach, column.floor, core=judged.estimate
    )
    if cell.call == "same":
        return Comparison(cell, "", placed, needed_words(judged.verdict.needed))
    return Comparison(cell, _SETTLED[column.kind, cell.call], placed)


def _absent(row: Row, column: _Column) -> str:
    if row.state == "broken" and column.kind == "ap":
        return "broken"
    return "failed" if row.failures else UNKNOWN


def strip(
    estimate: Estimate,
    neutral: float,
    reach: float,
    floor: float,
    *,
    core: Estimate | None = None,
) -> Strip:
    """Place an estimate on a strip that shows `neutral` ± `reach`, with the interval of another as its core."""

    def place(value: float) -> float:
        return min(max(50 + 47 * _apart(value, neutral) / reach, 3.0), 97.0)

    plain = core or estimate
    return Strip(
        place(estimate.low),
        place(estimate.value),
        place(estimate.high),
        (place(plain.low), place(plain.high)),
        min(47 * floor / reach, 47.0),
        _apart(estimate.low, neutral) < -reach,
        _apart(estimate.high, neutral) > reach,
    )


def _cost(report: Report, row: Row, metric: str) -> Cell:
    """An exact cost over the base's."""
    value = row.exact(metric)
    if value is None:
        return Cell()
    change, call = over_base(report, row, metric)
    text = compact(value) if metric == "params" else number(value, 3)
    return Cell(change or UNKNOWN, text, value, call)

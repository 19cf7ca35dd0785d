"""The ladders of a run: the steps in the order they are climbed, each side branch after the step that it stands on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.model import Report, Row
from suite.record import Json


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `below` is what it stands on, None where the run does not hold it. `side` branches lead nowhere."""

    name: str
    row: Row
    below: Row | None
    side: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps of one ladder, from the bottom: the first is what the ladder stands on, where the run holds it."""

    name: str
    title: str
    steps: tuple[Step, ...]


def ladders(report: Report) -> tuple[Ladder, ...]:
    """Every ladder of which the run holds a step."""
    names = dict.fromkeys(str(_rung(row)["ladder"]) for row in report.rows if _rung(row))
    return tuple(_ladder(report, name) for name in names)


def _ladder(report: Report, name: str) -> Ladder:
    rows = [row for row in report.rows if _rung(row).get("ladder") == name]
    names = {row.name for row in rows}
    feet = [row for row in rows if row.baseline not in names]
    grounds = [report.row(baseline) for baseline in dict.fromkeys(row.baseline for row in feet)]
    steps = [Step(row.name, row, None, side=False) for row in grounds if row is not None]
    for foot in _sides_first(feet):
        steps += _climb(report, foot, rows)
    return Ladder(name, str(_rung(rows[0])["title"]), tuple(steps))


def _climb(report: Report, row: Row, rows: Sequence[Row]) -> Iterator[Step]:
    rung = _rung(row)
    yield Step(str(rung["step"]), row, report.row(row.baseline), side=bool(rung["side"]))
    for above in _sides_first([other for other in rows if other.baseline == row.name]):
        yield from _climb(report, above, rows)


def _sides_first(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: not _rung(row)["side"])


def _rung(row: Row) -> Mapping[str, Json]:
    ladder = row.record.spec.get("ladder")
    return ladder if isinstance(ladder, dict) else {}

"""Do the counters agree: fvcore and thop against torch, with the cause of every difference."""

from dataclasses import dataclass

from reports.figures.dots import Dot, forest
from reports.figures.marks import Mark
from reports.model import Report, Row
from reports.section import Section
from reports.words import number, signed, signed_percent
from suite.record import Json

_COUNTERS = (("gmacs_fvcore", "fvcore"), ("gmacs_thop", "thop"))
_SHOWN_PATHS = 3
_AGREE = 0.01  # counters that differ by less have nothing to explain


@dataclass(frozen=True, slots=True)
class Difference:
    """What one counter says of one variant."""

    row: Row
    counter: str
    gmacs: str
    torch: str
    apart: float
    shown: str
    sentence: str
    causes: tuple[
        tuple[str, str, str, str], ...
    ]  # cause, GMACs, layers, the modules that it is mostly in

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to explain."""
        return abs(self.apart) <= _AGREE + 1e-9


def build(report: Report) -> Section:
    """Dots per variant, and a table of the causes where a counter is off by more than 1 %."""
    found = [d for row in report.rows for d in _differences(row)]
    title = "Do the counters agree?"
    silent = [(row, counter, words) for row in report.rows for counter, words in _silent(row)]
    if not found:
        return Section(
            "counters", title, "Counters", missing="No second counter was asked in this run."
        )
    dots = [_dot(difference) for difference in found]
    plot = forest(
        dots,
        name="counters",
        title="GMACs against torch's count, as trained",
        label="Dots: how far fvcore and thop are from torch's count for every variant",
        band=1.0,
        scale="symlog",
    )
    return Section(
        "counters",
        title,
        "Counters",
        "Filled marks are fvcore, hollow marks thop, crosses miss more than 1 %; zero is torch's dispatch-level "
        "count, which the report uses. The axis is linear inside the shaded ±1 % and logarithmic outside.",
        {
            "figure": plot,
            "off": sorted((d for d in found if not d.agrees), key=lambda d: d.apart),
            "count": len(found),
            "silent": silent,
        },
    )


def _differences(row: Row) -> list[Difference]:
    torch = row.exact("gmacs", "trained")
    found = []
    for metric, counter in _COUNTERS:
        value = row.exact(metric, "trained")
        if value is None or not torch:
            continue
        notes = row.notes(metric, "trained")
        apart = value / torch - 1
        found.append(
            Difference(
                row,
                counter,
                number(value, 4),
                number(torch, 4),
                apart,
                signed_percent(apart),
                str(notes.get("sentence", "")),
                _causes(notes.get("causes")),
            )
        )
    return found


def _silent(row: Row) -> list[tuple[str, str]]:
    """Counters that gave no number, and what they said instead."""
    return [
        (counter, str(item.measurement.notes.get("sentence", "gave no number")))
        for metric, counter in _COUNTERS
        for item in row.find(metric)
        if not item.measurement.samples
    ]


def _causes(noted: Json) -> tuple[tuple[str, str, str, str], ...]:
    causes = (
        [cause for cause in noted if isinstance(cause, dict)] if isinstance(noted, list) else []
    )
    return tuple(
        (
            str(cause.get("cause", "")),
            _amount(cause.get("gmacs")),
            str(cause.get("layers", "")),
            _places(cause.get("where"), cause.get("layers")),
        )
        for cause in causes
    )


def _places(noted: Json, count: Json) -> str:
    """The modules in which a counter differs most, and how many others there are."""
    paths = [str(path) for path in noted[:_SHOWN_PATHS]] if isinstance(noted, list) else []
    more = count - len(paths) if paths and isinstance(count, int) else 0
    return ", ".join(paths) + (f" and {more} more" if more > 0 else "")


def _amount(value: Json) -> str:
    return signed(float(value), 4) if isinstance(value, (int, float)) else ""


def _dot(difference: Difference) -> Dot:
    percent = 100 * difference.apart
    mark: Mark = "bad" if difference.apart < 0 and not difference.agrees else "same"
    tip = (
        f"{difference.row.name}, {difference.counter}: {difference.gmacs} GMACs, {difference.shown}"
    )
    name = difference.row.name
    return Dot(
        name, name, percent, percent, percent, mark, tip, hollow=difference.counter == "thop"
    )

"""Do the counters agree: fvcore and thop against torch, with the cause of every difference."""

from dataclasses import dataclass

from reports.figures.dots import Dot, forest
from reports.model import Report, Row
from reports.section import Section
from reports.words import number, signed, signed_percent
from suite.metrics.evidence.counters import CounterCause, CounterCauses

_ID, _TITLE = "counters", "Do the counters agree?"
_COUNTERS = (("gmacs_fvcore", "fvcore"), ("gmacs_thop", "thop"))
_SHOWN_PATHS = 3
_AGREE = 0.01  # counters that differ by less have nothing to explain


@dataclass(frozen=True, slots=True)
class Difference:
    """What one counter says of one variant: texts, but for `apart`, the fraction by which it is off."""

    row: Row
    counter: str
    gmacs: str
    torch: str
    apart: float
    shown: str
    sentence: str
    causes: str

    @property
    def agrees(self) -> bool:
        """Whether there is nothing to explain."""
        return abs(self.apart) <= _AGREE + 1e-9


def build(report: Report) -> Section:
    """Dots per variant, and a table of the causes where a counter is off by more than 1 %."""
    differences = [difference for row in report.rows for difference in _differences(row)]
    if not differences:
        missing = "No second counter was asked in this run."
        return Section(_ID, _TITLE, "Counters", missing=missing)
    figure = forest(
        [_dot(difference) for difference in differences],
        name="counters",
        title="GMACs against torch's count, as trained",
        label="Dots: how far fvcore and thop are from torch's count for every variant",
        band=1.0,
        scale="symlog",
    )
    off = [difference for difference in differences if not difference.agrees]
    return Section(
        _ID,
        _TITLE,
        "Counters",
        "Filled marks are fvcore, hollow marks thop, crosses miss more than 1 %; zero is torch's dispatch-level "
        "count, which the report uses. The axis is linear inside the shaded ±1 % and logarithmic outside.",
        {
            "figure": figure,
            "off": sorted(off, key=lambda difference: difference.apart),
            "count": len(differences),
            "silent": [(row, *reason) for row in report.rows for reason in _silent(row)],
        },
    )


def _differences(row: Row) -> list[Difference]:
    torch = row.exact("gmacs", "trained")
    counts = [(metric, name, row.exact(metric, "trained")) for metric, name in _COUNTERS]
    return [
        _difference(row, metric, name, gmacs, torch)
        for metric, name, gmacs in counts
        if gmacs is not None and torch
    ]


def _difference(row: Row, metric: str, counter: str, gmacs: float, torch: float) -> Difference:
    explained = row.evidence(CounterCauses, metric, "trained")
    apart = gmacs / torch - 1
    return Difference(
        row,
        counter,
        number(gmacs, 4),
        number(torch, 4),
        apart,
        signed_percent(apart),
        explained.sentence or "no cause was recorded",
        " · ".join(_cause(cause) for cause in explained.causes or ()),
    )


def _silent(row: Row) -> list[tuple[str, str]]:
    """Counters that gave no number, and what they said instead."""
    return [
        (counter, item.evidence(CounterCauses).sentence or "gave no number")
        for metric, counter in _COUNTERS
        for item in row.find(metric)
        if not item.measurement.samples
    ]


def _cause(cause: CounterCause) -> str:
    """What it is, what it amounts to, in how many places, and in which modules mostly."""
    places = f"{cause.layers} place{'' if cause.layers == 1 else 's'}"
    sentence = f"{cause.reason} {signed(cause.gmacs, 4)} GMACs in {places}"
    if not cause.where:
        return sentence
    others = cause.layers - len(cause.where[:_SHOWN_PATHS])
    more = f" and {others} more" if others > 0 else ""
    return f"{sentence} ({', '.join(cause.where[:_SHOWN_PATHS])}{more})"


def _dot(difference: Difference) -> Dot:
    percent = 100 * difference.apart
    misses = difference.apart < 0 and not difference.agrees
    name = difference.row.name
    return Dot(
        row=name,
        variant=name,
        value=percent,
        low=percent,
        high=percent,
        mark="bad" if misses else "same",
        tip=f"{name}, {difference.counter}: {difference.gmacs} GMACs, {difference.shown}",
        hollow=difference.counter == "thop",
    )

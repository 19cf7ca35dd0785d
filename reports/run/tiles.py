"""The counts under the title; each leads to its rows in the table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reports.model import Report
from reports.run.calls import accuracy_call, latency_call

_ACCURACY = (
    ("better", "▲", "better"),
    ("worse", "▼", "worse"),
    ("equal", "=", "equivalent"),
    ("same", "≈", "cannot tell"),
    ("broken", "✕", "broken"),
    ("failed", "✕", "failed"),
)
_LATENCY = (
    ("better", "▲", "faster"),
    ("worse", "▼", "slower"),
    ("equal", "=", "equal"),
    ("same", "≈", "cannot tell"),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A count that leads to its rows: `select` is what the table's filter takes."""

    count: int
    mark: str
    meaning: str
    select: str
    call: str


def tiles(report: Report) -> tuple[tuple[str, tuple[Tile, ...]], ...]:
    """Counts by accuracy and by latency; those that are zero are left out, except the first two."""
    accuracy = Counter(accuracy_call(row) for row in report.variants)
    latency = Counter(latency_call(report, row) for row in report.variants)
    groups = (("Accuracy", accuracy, _ACCURACY, "ap"), ("Latency", latency, _LATENCY, "latency"))
    return tuple(
        (title, _group(counts, kinds, column))
        for title, counts, kinds, column in groups
        if set(counts) - {""}
    )


def _group(
    counts: Counter[str], kinds: Sequence[tuple[str, str, str]], column: str
) -> tuple[Tile, ...]:
    shown = [kind for kind in kinds if counts[kind[0]] or kind[0] in {"better", "worse"}]
    return tuple(_tile(counts, kind, column) for kind in shown)


def _tile(counts: Counter[str], kind: tuple[str, str, str], column: str) -> Tile:
    call, mark, meaning = kind
    colour = "bad" if call in {"broken", "failed"} else call
    return Tile(counts[call], mark, meaning, f"{column}:{call}", colour)

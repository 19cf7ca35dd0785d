"""The table of everything: sortable, filterable, copied with a click; complete without JavaScript."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.model import Report, Row
from reports.run.calls import accuracy_call, latency_call
from reports.run.warnings import stride_warning
from reports.section import Section
from reports.table import GROUPS, Cell, Column, columns


@dataclass(frozen=True, slots=True)
class Line:
    """One variant: `search` is what the filter looks through, `graph` whether its network can be looked at."""

    row: Row
    cells: tuple[tuple[Column, Cell], ...]
    search: str
    strides: str
    graph: bool


def build(report: Report) -> Section:
    """Every variant of the run, failed ones included; baselines stay on top."""
    shown = columns(report)
    used = {column.group for column in shown}
    return Section(
        "table",
        "All numbers",
        "Table",
        "Costs are exact, so they have no interval. Accuracy: mean of the seeds, below it their lowest and highest; "
        "latency: ratio to the base's rounds in the same processes. ≈ is no difference that this run could show.",
        {
            "columns": shown,
            "filters": [c.key for c in shown if not c.group and c.key != "state"],
            "groups": {key: title for key, title in GROUPS.items() if key in used},
            "rows": [_line(report, row, shown) for row in report.rows],
        },
        "" if report.rows else "This run holds no variant.",
    )


def _line(report: Report, row: Row, shown: Sequence[Column]) -> Line:
    return Line(
        row,
        tuple((column, column.cell(row)) for column in shown),
        _search(report, row),
        stride_warning(report, row),
        bool(row.record.spec.get("layers")),
    )


def _search(report: Report, row: Row) -> str:
    record = row.record
    calls = [f"ap:{accuracy_call(row)}", f"latency:{latency_call(report, row)}"]
    return " ".join([row.name, record.title, record.paper, row.role, row.state, *calls]).lower()

"""The table of everything: sortable, filterable, copied with a click; complete without JavaScript."""

from reports.model import Report, Row
from reports.run.headline import accuracy_call, latency_call, stride_warning
from reports.section import Section
from reports.table import GROUPS, columns


def build(report: Report) -> Section:
    """Every variant of the run, failed ones included; baselines stay on top."""
    shown = columns(report)
    return Section(
        "table",
        "All numbers",
        "Table",
        "Costs are exact, so they have no interval. Accuracy: mean of the seeds, below it their lowest and highest; "
        "latency: ratio to the base's rounds in the same processes. ≈ is no difference that this run could show.",
        {
            "columns": shown,
            "groups": {
                key: title for key, title in GROUPS.items() if any(c.group == key for c in shown)
            },
            "rows": [
                {
                    "row": row,
                    "cells": [(column, column.cell(row)) for column in shown],
                    "words": _words(report, row),
                    "strides": stride_warning(report, row),
                }
                for row in report.rows
            ],
        },
        "" if report.rows else "This run holds no variant.",
    )


def _words(report: Report, row: Row) -> str:
    """What the filter searches."""
    record = row.record
    calls = [f"ap:{accuracy_call(row)}", f"latency:{latency_call(report, row)}"]
    return " ".join([row.name, record.title, record.paper, row.role, row.state, *calls]).lower()

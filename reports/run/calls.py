"""What a run says of a variant in one word, and the mark that stands for it in every plot."""

from reports.model import Report, Row
from reports.words import CALLS, MARKS, Mark

PRIMARY = "ap"
"""The metric that the title, the tiles and the marks go by."""


def accuracy_call(row: Row) -> str:
    """What the run says of a variant's accuracy: better, worse, equal, same, broken, failed, or "" (not trained)."""
    if row.state in {"broken", "failed"}:
        return row.state
    judged = row.judged.get(PRIMARY)
    return CALLS[judged.verdict.word] if judged else ""


def latency_call(report: Report, row: Row) -> str:
    """What the run says of a variant's latency in its first setup: better, worse, equal, same, or "" (not timed)."""
    if not report.setups:
        return ""
    judged = row.judged.get(f"wall:{report.setups[0].key}")
    return CALLS[judged.verdict.word] if judged else ""


def accuracy_mark(row: Row) -> Mark:
    """The mark of a variant where a plot is about accuracy."""
    if row.role == "base":
        return "base"
    marks: dict[str, Mark] = {**{call: call for call in MARKS}, "broken": "bad", "failed": "bad"}
    return marks.get(accuracy_call(row), "same")


def latency_mark(report: Report, row: Row) -> Mark:
    """The mark of a variant where a plot is about time: equally fast is not told apart from cannot tell."""
    if row.role == "base":
        return "base"
    marks: dict[str, Mark] = {"better": "better", "worse": "worse"}
    return marks.get(latency_call(report, row), "same")

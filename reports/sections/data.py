"""What the variants were trained and judged on."""

from collections.abc import Mapping

from reports.model import Report
from reports.section import Section
from reports.words import UNKNOWN, number
from suite.record import Json

_COUNTS = ("images", "boxes", "crowds", "empty")


def build(report: Report) -> Section:
    """Counts, skipped pictures and boxes, classes."""
    facts = report.facts
    if not facts:
        return Section("data", "Data", "Data", missing="No data set was read in this run.")
    parts = [(title, facts.get(key)) for title, key in (("train", "train"), ("validation", "val"))]
    splits = [(title, part) for title, part in parts if isinstance(part, dict)]
    categories = facts.get("categories")
    names = [str(name) for name in categories] if isinstance(categories, list) else []
    return Section(
        "data",
        "Data",
        "Data",
        "",
        {
            "name": facts.get("name", ""),
            "fingerprint": facts.get("fingerprint", report.run.dataset_fingerprint),
            "classes": f"{len(names)} classes: {', '.join(names)}.",
            "splits": [(title, _counts(part)) for title, part in splits],
            "issues": [(title, issue) for title, part in splits for issue in _issues(part)],
        },
    )


def _counts(part: Mapping[str, Json]) -> list[str]:
    return [_count(part.get(key)) for key in _COUNTS]


def _count(value: Json) -> str:
    return number(float(value), 0) if isinstance(value, (int, float)) else UNKNOWN


def _issues(part: Mapping[str, Json]) -> list[str]:
    """One line for each kind of trouble, whatever detail the reader of the data gave."""
    skipped = part.get("skipped")
    return [_issue(entry) for entry in skipped] if isinstance(skipped, list) else []


def _issue(entry: Json) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    issue = f"{entry.get('count', '')} × {entry.get('kind', '')}"
    examples = entry.get("examples")
    if isinstance(examples, list) and examples:
        issue += f" (such as {', '.join(str(example) for example in examples[:3])})"
    return issue

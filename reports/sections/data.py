"""What the variants were trained and judged on."""

from reports.model import Report
from reports.section import Section
from reports.words import number
from suite.record import Json

_COUNTS = ("images", "boxes", "crowds", "empty")


def build(report: Report) -> Section:
    """Counts, skipped pictures and boxes, classes."""
    facts = report.facts
    if not facts:
        return Section("data", "Data", "Data", missing="No data set was read in this run.")
    splits = [
        (title, part)
        for title, key in (("train", "train"), ("validation", "val"))
        if isinstance(part := facts.get(key), dict)
    ]
    categories = facts.get("categories")
    return Section(
        "data",
        "Data",
        "Data",
        "",
        {
            "name": facts.get("name", ""),
            "fingerprint": facts.get("fingerprint", report.run.dataset_fingerprint),
            "categories": categories if isinstance(categories, list) else [],
            "splits": [
                (title, [_count(part.get(key)) for key in _COUNTS]) for title, part in splits
            ],
            "issues": [
                (title, issue) for title, part in splits for issue in _issues(part.get("skipped"))
            ],
        },
    )


def _count(value: Json) -> str:
    return number(float(value), 0) if isinstance(value, (int, float)) else "–"


def _issues(skipped: Json) -> list[str]:
    """One line for each kind of trouble, whatever detail the reader of the data gave."""
    if not isinstance(skipped, list):
        return []
    return [_issue(entry) for entry in skipped]


def _issue(entry: Json) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    examples = entry.get("examples")
    shown = (
        f" (such as {', '.join(str(e) for e in examples[:3])})"
        if isinstance(examples, list) and examples
        else ""
    )
    return f"{entry.get('count', '')} × {entry.get('kind', '')}{shown}"

"""AP of every class, and how it differs from the base's."""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.model import Report, Row
from reports.run.accuracy_notes import mean_by_class
from reports.section import Section
from reports.words import UNKNOWN, number, signed

_SIZES = ("small", "medium", "large")


@dataclass(frozen=True, slots=True)
class ClassCell:
    """AP of a class, the difference to the base's, and AP by size for those who point at it."""

    text: str
    below: str
    tip: str


def build(report: Report) -> Section:
    """A table, classes with the most objects first; whichever are more, classes or variants, are its rows."""
    tables = {
        row.name: table for row in report.rows if (table := mean_by_class(row, "ap", "by_class"))
    }
    rows = [row for row in report.rows if row.name in tables]
    title = "AP by class"
    if not rows:
        return Section(
            "classes", title, "Classes", missing="No accuracy by class was measured in this run."
        )
    objects = mean_by_class(rows[0], "ap", "objects")
    sizes = {
        row.name: {size: mean_by_class(row, "ap", "by_class_and_size", size) for size in _SIZES}
        for row in rows
    }
    names = sorted(
        {name for table in tables.values() for name in table},
        key=lambda name: (-objects.get(name, 0), name),
    )
    return Section(
        "classes",
        title,
        "Classes",
        "Means over the seeds, below them the difference to the base. Not judged: with many classes some differ by "
        "chance, the more the fewer objects they have.",
        {
            "by_class": len(names) >= len(rows),
            "variants": [
                (row, [_cell(row, tables, sizes[row.name], name) for name in names]) for row in rows
            ],
            "classes": [
                (
                    name,
                    number(objects.get(name), 0),
                    [_cell(row, tables, sizes[row.name], name) for row in rows],
                )
                for name in names
            ],
        },
    )


def _cell(
    row: Row,
    tables: Mapping[str, Mapping[str, float]],
    sizes: Mapping[str, Mapping[str, float]],
    name: str,
) -> ClassCell:
    value = tables[row.name].get(name)
    if value is None:
        return ClassCell(UNKNOWN, "", "")
    reference = tables.get(row.baseline, {}).get(name)
    below = signed(value - reference) if reference is not None else ""
    tip = ", ".join(
        f"{size} {number(found)}" for size in _SIZES if (found := sizes[size].get(name)) is not None
    )
    return ClassCell(number(value), below, tip)

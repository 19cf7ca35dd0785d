"""AP of every class, and how it differs from the base's."""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.model import Report, Row
from reports.run.accuracy import ap_by_class, ap_by_class_of_size, objects_by_class
from reports.section import Section, Value
from reports.words import UNKNOWN, number, signed

_ID, _TITLE = "classes", "AP by class"
_SIZES = ("small", "medium", "large")


@dataclass(frozen=True, slots=True)
class _Classes:
    """AP by class of one variant, over all objects and over those of each size."""

    all: Mapping[str, float]
    by_size: Mapping[str, Mapping[str, float]]


def build(report: Report) -> Section:
    """A table, classes with the most objects first; whichever are more, classes or variants, are its rows."""
    every = {row.name: _classes(row) for row in report.rows}
    rows = [row for row in report.rows if every[row.name].all]
    if not rows:
        missing = "No accuracy by class was measured in this run."
        return Section(_ID, _TITLE, "Classes", missing=missing)
    objects = objects_by_class(rows[0])
    names = {name for classes in every.values() for name in classes.all}
    ordered = sorted(names, key=lambda name: (-objects.get(name, 0), name))
    cells = {row.name: [_cell(row, every, name) for name in ordered] for row in rows}
    by_class = [
        (name, number(objects.get(name), 0), [cells[row.name][position] for row in rows])
        for position, name in enumerate(ordered)
    ]
    return Section(
        _ID,
        _TITLE,
        "Classes",
        "Means over the seeds, below them the difference to the base. Not judged: with many classes some differ by "
        "chance, the more the fewer objects they have.",
        {
            "by_class": len(ordered) >= len(rows),
            "variants": [(row, cells[row.name]) for row in rows],
            "classes": by_class,
        },
    )


def _classes(row: Row) -> _Classes:
    by_size = {size: ap_by_class_of_size(row, size) for size in _SIZES}
    return _Classes(ap_by_class(row), by_size)


def _cell(row: Row, every: Mapping[str, _Classes], name: str) -> Value:
    """AP of a class, the difference to the base's, and AP by size for those who point at it."""
    classes, base = every[row.name], every.get(row.baseline)
    value = classes.all.get(name)
    if value is None:
        return Value(UNKNOWN)
    reference = base.all.get(name) if base else None
    below = signed(value - reference) if reference is not None else ""
    sizes = [(size, classes.by_size[size].get(name)) for size in _SIZES]
    tip = ", ".join(f"{size} {number(ap)}" for size, ap in sizes if ap is not None)
    return Value(number(value), below, tip)

"""Where parameters and multiply-adds sit: by part and by stage."""

from collections.abc import Sequence

from reports.figures.canvas import SERIES
from reports.figures.stacked import Panel, draw
from reports.model import Report, Row
from reports.section import Section

_PARTS = ("backbone", "neck", "head")
_KINDS = (("params", "Parameters", "million parameters", 1e-6), ("gmacs", "GMACs", "GMACs", 1.0))


def build(report: Report) -> Section:
    """Stacked bars in two tabs."""
    tabs = []
    families = report.families
    for position, (base, rows) in enumerate(families):
        for metric, title, unit, factor in _KINDS:
            panels = [
                p
                for p in (_by_part(rows, metric, factor), _by_stage(rows, metric, factor))
                if p is not None
            ]
            if panels:
                name = f"c-{position}-{metric}"
                label = f"Stacked bars of {unit} by part and by stage for every variant"
                words = title if len(families) == 1 else f"{base}: {title}"
                tabs.append((name, words, draw(panels, name=name, unit=unit, label=label)))
    if not tabs:
        return Section("cost", "Cost by stage", "Cost", missing="Nothing was counted in this run.")
    return Section(
        "cost",
        "Cost by stage",
        "Cost",
        "As deployed, exact. A stage is everything at one resolution, named by its output stride in pixels; "
        "stage 2 works on the largest maps.",
        {"content_tabs": tabs},
    )


def _by_part(rows: Sequence[Row], metric: str, factor: float) -> Panel | None:
    bars = [(row.name, tuple(factor * found.get(part, 0.0) for part in _PARTS)) for row in rows
            if (found := _numbers(row, metric, "by_part"))]  # fmt: skip
    return Panel("by part", _PARTS, tuple(bars)) if bars else None


def _by_stage(rows: Sequence[Row], metric: str, factor: float) -> Panel | None:
    found = {row.name: numbers for row in rows if (numbers := _numbers(row, metric, "by_stage"))}
    stages = sorted({stage for numbers in found.values() for stage in numbers}, key=_stage_order)
    if not found or len(stages) > len(SERIES):
        return None
    bars = tuple(
        (name, tuple(factor * numbers.get(stage, 0.0) for stage in stages))
        for name, numbers in found.items()
    )
    return Panel("by stage (stride)", tuple(stages), bars)


def _stage_order(stage: str) -> tuple[int, str]:
    return (int(stage) if stage.isdecimal() else 10**6, stage)


def _numbers(row: Row, metric: str, key: str) -> dict[str, float]:
    noted = row.notes(metric, "deployed").get(key) or row.notes(metric, "trained").get(key)
    return (
        {name: float(v) for name, v in noted.items() if isinstance(v, (int, float))}
        if isinstance(noted, dict)
        else {}
    )

"""Where parameters and multiply-adds sit: by part and by stage."""

from collections.abc import Callable, Mapping, Sequence

from reports.figures.stacked import Panel, draw
from reports.figures.theme import SERIES
from reports.model import Report, Row
from reports.section import Section
from suite.metrics.evidence.layers import Shares

_Cut = Mapping[str, float] | None
_PARTS = ("backbone", "neck", "head")
_KINDS = (("params", "Parameters", "million parameters", 1e-6), ("gmacs", "GMACs", "GMACs", 1.0))


def build(report: Report) -> Section:
    """Stacked bars in two tabs."""
    families = report.families
    tabs = []
    for position, (base, rows) in enumerate(families):
        for metric, title, unit, factor in _KINDS:
            cuts = (_by_part(rows, metric, factor), _by_stage(rows, metric, factor))
            panels = [panel for panel in cuts if panel is not None]
            if not panels:
                continue
            name = f"c-{position}-{metric}"
            label = f"Stacked bars of {unit} by part and by stage for every variant"
            tab_title = title if len(families) == 1 else f"{base}: {title}"
            tabs.append((name, tab_title, draw(panels, name=name, unit=unit, label=label)))
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
    costs = _costs(rows, metric, lambda shares: shares.by_part)
    if not costs:
        return None
    return Panel("by part", _PARTS, _bars(costs, _PARTS, factor))


def _by_stage(rows: Sequence[Row], metric: str, factor: float) -> Panel | None:
    costs = _costs(rows, metric, lambda shares: shares.by_stage)
    stages = sorted({stage for sizes in costs.values() for stage in sizes}, key=_stage_order)
    if not costs or len(stages) > len(SERIES):
        return None
    return Panel("by stage (stride)", tuple(stages), _bars(costs, stages, factor))


Costs = Mapping[str, Mapping[str, float]]
"""By variant and piece."""


def _bars(
    costs: Costs, pieces: Sequence[str], factor: float
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    return tuple(
        (variant, tuple(factor * sizes.get(piece, 0.0) for piece in pieces))
        for variant, sizes in costs.items()
    )


def _costs(rows: Sequence[Row], metric: str, cut: Callable[[Shares], _Cut]) -> Costs:
    """Of the variants for which they were counted: as deployed, or else as trained."""
    costs = {}
    for row in rows:
        deployed = cut(row.evidence(Shares, metric, "deployed"))
        sizes = deployed or cut(row.evidence(Shares, metric, "trained"))
        if sizes:
            costs[row.name] = sizes
    return costs


def _stage_order(stage: str) -> tuple[int, str]:
    return (int(stage) if stage.isdecimal() else 10**6, stage)

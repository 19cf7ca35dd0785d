"""How the variants learned, and what they see by object size."""

from reports.figures.curves import Curve, SizeDot, by_size, loss
from reports.model import Report, Row
from reports.run.budget import stated_budget
from reports.section import Section
from reports.sections.tradeoffs import mark_of
from suite.record import Json, Measurement

_EXAMPLES = 3
_SIZES = (
    ("ap_small", "small objects"),
    ("ap_medium", "medium objects"),
    ("ap_large", "large objects"),
)


def build(report: Report) -> Section:
    """Loss curves as small multiples, and AP for small, medium and large objects."""
    curves = [
        Curve(row.name, item.job.seed or 0, _steps(item.measurement), item.measurement.samples)
        for row in report.rows
        for item in row.find("loss_curve")
        if item.measurement.samples
    ]
    sizes = [dot for row in report.rows for dot in _dots(row)]
    if not curves and not sizes:
        return Section(
            "training", "Training", "Training", missing="Nothing was trained in this run."
        )
    marks = {row.name: mark_of(row) for row in report.rows}
    base = report.baseline
    plot = None
    if curves:
        label = "Loss over training steps, one panel for each variant"
        plot = loss(curves, base=base.name if base else "", marks=marks, name="loss", label=label)
    return Section(
        "training",
        "Training",
        "Training",
        "Thin lines are seeds, the thick line their mean, the dotted line the base's mean; averaged over blocks of "
        "steps. A lower loss is no better network: losses of different networks compare only in shape.",
        {
            "budget": stated_budget(report),
            "loss": plot,
            "broken": _broken(report),
            "sizes": by_size(sizes, name="size", label="AP by object size for every variant")
            if sizes
            else None,
        },
    )


def _broken(report: Report) -> list[str]:
    """The trainings that had to do with other pictures than the data set has."""
    found = []
    for row in report.rows:
        for item in row.find("loss_curve"):
            names: Json = item.measurement.notes.get("broken_pictures")
            if isinstance(names, list) and names:
                shown = ", ".join(str(name) for name in names[:_EXAMPLES])
                seed = f"{row.name}, seed {item.job.seed}"
                found.append(
                    f"{seed}: {len(names)} pictures did not decode ({shown}), others took their place"
                )
    return found


def _steps(measurement: Measurement) -> tuple[float, ...]:
    noted: Json = measurement.notes.get("step")
    steps = (
        [float(step) for step in noted if isinstance(step, (int, float))]
        if isinstance(noted, list)
        else []
    )
    count = len(measurement.samples)
    return tuple(steps) if len(steps) == count else tuple(float(i) for i in range(count))


def _dots(row: Row) -> list[SizeDot]:
    return [
        SizeDot(row.name, title, sum(values) / len(values), min(values), max(values), mark_of(row))
        for metric, title in _SIZES
        if (values := row.seeds(metric))
    ]

"""How the variants learned, and what they see by object size."""

from markupsafe import Markup

from reports.figures.curves import Curve, loss
from reports.figures.seeds import Seeds, by_kind
from reports.model import Item, Report, Row
from reports.run.budget import stated_budget
from reports.run.calls import accuracy_mark
from reports.section import Section
from suite.metrics.evidence.training import LossCurve

_ID, _TITLE = "training", "Training"
_EXAMPLES = 3
_SIZES = (
    ("ap_small", "small objects"),
    ("ap_medium", "medium objects"),
    ("ap_large", "large objects"),
)


def build(report: Report) -> Section:
    """Loss curves as small multiples, and AP for small, medium and large objects."""
    losses, sizes = _losses(report), _sizes(report)
    if losses is None and sizes is None:
        return Section(_ID, _TITLE, _TITLE, missing="Nothing was trained in this run.")
    return Section(
        _ID,
        _TITLE,
        _TITLE,
        "Thin lines are seeds, the thick line their mean, the band from the lowest to the highest, the dotted line the "
        "base's mean; averaged over blocks of steps. A lower loss is no better network: losses of different networks "
        "compare only in shape.",
        {
            "budget": stated_budget(report),
            "loss": losses,
            "broken": _broken(report),
            "sizes": sizes,
        },
    )


def _losses(report: Report) -> Markup | None:
    curves = [curve for row in report.rows for curve in _curves(row)]
    if not curves:
        return None
    return loss(
        curves,
        base=report.baseline.name if report.baseline else "",
        marks={row.name: accuracy_mark(row) for row in report.rows},
        name="loss",
        label="Loss over training steps, one panel for each variant",
    )


def _curves(row: Row) -> list[Curve]:
    taken = [item for item in row.find("loss_curve") if item.measurement.samples]
    return [
        Curve(row.name, item.job.seed or 0, _steps(item), item.measurement.samples)
        for item in taken
    ]


def _sizes(report: Report) -> Markup | None:
    seeds = [seeds for row in report.rows for seeds in _by_size(row)]
    if not seeds:
        return None
    return by_kind(seeds, name="size", label="AP by object size for every variant", axis="AP")


def _by_size(row: Row) -> list[Seeds]:
    mark = accuracy_mark(row)
    values = [(title, row.seeds(metric)) for metric, title in _SIZES]
    return [Seeds(row.name, title, seeds, mark) for title, seeds in values if seeds]


def _broken(report: Report) -> list[str]:
    """The trainings that had to do with other pictures than the data set has."""
    lines = []
    for row in report.rows:
        for item in row.find("loss_curve"):
            names = item.evidence(LossCurve).broken_pictures
            if names:
                shown = ", ".join(names[:_EXAMPLES])
                what = f"{len(names)} pictures did not decode ({shown})"
                lines.append(f"{row.name}, seed {item.job.seed}: {what}, others took their place")
    return lines


def _steps(item: Item) -> tuple[float, ...]:
    """The step of each loss; their number where an older store does not say."""
    steps = item.evidence(LossCurve).step or ()
    count = len(item.measurement.samples)
    return tuple(map(float, steps if len(steps) == count else range(count)))

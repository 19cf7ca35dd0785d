"""The evidence beside a training's accuracy, as means over the seeds; a seed that did not record it is left out."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from reports.model import Row
from suite.metrics.evidence.accuracy import (
    Ap50Parts,
    ApParts,
    ErrorCount,
    PrecisionRecall,
    Reliability,
)

ByClass = Mapping[str, float | None] | None
Curve = tuple[float, ...]


def ap_by_class(row: Row) -> dict[str, float]:
    """AP of each class that has objects."""
    return _mean_by_class(parts.by_class for parts in _ap_parts(row))


def ap_by_class_of_size(row: Row, size: str) -> dict[str, float]:
    """AP of each class for "small", "medium" or "large" objects, where it has some."""
    return _mean_by_class((parts.by_class_and_size or {}).get(size) for parts in _ap_parts(row))


def objects_by_class(row: Row) -> dict[str, float]:
    """How many objects of each class the validation data has."""
    return _mean_by_class(parts.objects for parts in _ap_parts(row))


def recalls(row: Row) -> Curve:
    """Where precision is known, the same for every seed; () where it is not."""
    return _mean_curve(parts.recall for parts in _curves(row))


def precision(row: Row, iou: str) -> Curve:
    """The mean precision over the classes at each of `recalls`, at an IoU such as "0.50"; () where it is unknown."""
    return _mean_curve((parts.mean or {}).get(iou) for parts in _curves(row))


def mean_cases(row: Row, metric: str) -> float | None:
    """The mean number of errors of a kind (`lost_…`)."""
    counts = [item.evidence(ErrorCount).count for item in row.find(metric)]
    known = [count for count in counts if count is not None]
    return fmean(known) if known else None


def reliability(row: Row) -> tuple[tuple[float, float], ...]:
    """(mean score, precision) of each bin of scores, over the detections of all seeds."""
    sums: dict[float, tuple[float, float, float]] = {}
    for item in row.find("calibration_error"):
        for each in item.evidence(Reliability).bins or ():
            n, scores, right = sums.get(each.low, (0.0, 0.0, 0.0))
            count = each.detections
            sums[each.low] = (
                n + count,
                scores + count * each.score,
                right + count * each.precision,
            )
    totals = [total for _, total in sorted(sums.items())]
    return tuple((scores / n, right / n) for n, scores, right in totals if n > 0)


def evaluator_words(rows: Sequence[Row]) -> str:
    """Who computed COCO's numbers, and who vouches for them; "" where nothing says so."""
    every = [parts for row in rows for parts in _ap_parts(row)]
    names = {parts.evaluator for parts in every if parts.evaluator is not None}
    if names == {"pycocotools"}:
        return "COCO's numbers are pycocotools' own."
    agreements = [parts.agreement for parts in every if parts.agreement is not None]
    if agreements:
        largest = max(agreement.largest_difference for agreement in agreements)
        equal = "to the last bit" if largest == 0 else f"to {largest:.0e}"
        reference = f"{agreements[0].reference} {equal}"
        return f"COCO's numbers are those of the fast evaluator, which equals {reference} on all twelve in its run."
    if names:
        return "COCO's numbers are those of the fast evaluator; none of this run's was compared with pycocotools."
    return ""


def _ap_parts(row: Row) -> list[ApParts]:
    return [item.evidence(ApParts) for item in row.find("ap")]


def _curves(row: Row) -> list[PrecisionRecall]:
    parts = [item.evidence(Ap50Parts).precision_recall for item in row.find("ap50")]
    return [curves for curves in parts if curves is not None]


def _mean_by_class(tables: Iterable[ByClass]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for table in tables:
        for name, value in (table or {}).items():
            if value is not None:
                values.setdefault(name, []).append(float(value))
    return {name: fmean(seeds) for name, seeds in values.items()}


def _mean_curve(curves: Iterable[Curve | None]) -> Curve:
    """Point by point; () where the seeds have not the same points."""
    known = [curve for curve in curves if curve]
    if len({len(curve) for curve in known}) != 1:
        return ()
    return tuple(fmean(values) for values in zip(*known, strict=True))

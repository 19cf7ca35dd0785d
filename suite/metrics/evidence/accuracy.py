"""Beside accuracy: who computed it, its parts by class and size, its curves, its errors, what the scores mean.

Values by class have the class's name; AP of a class without such an object is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from suite.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Agreement(Evidence):
    """That the fast evaluator equals the reference ("pycocotools 2.0.11"), and the largest of twelve differences."""

    reference: str = field(metadata={"key": "with"})
    largest_difference: float


@dataclass(frozen=True, slots=True)
class ApParts(Evidence):
    """Beside `ap`.

    Attributes:
        evaluator: "fast" or "pycocotools".
        agreement: where the two were compared.
        by_class: AP of each class.
        by_class_and_size: the same for "small", "medium" and "large" objects.
        objects: how many of each class there are.
        absent: COCO's numbers that are not measured, and why.
    """

    evaluator: str | None = None
    agreement: Agreement | None = None
    by_class: Mapping[str, float | None] | None = None
    by_class_and_size: Mapping[str, Mapping[str, float | None]] | None = None
    objects: Mapping[str, int] | None = None
    absent: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class WorkingPoint(Evidence):
    """The confidence at which the mean F1 is best, with precision and recall of each class there."""

    confidence: float
    precision: Mapping[str, float]
    recall: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PrecisionRecall(Evidence):
    """Precision at each of the recalls `recall`: the mean over the classes by IoU ("0.50"), each class at IoU 0.5."""

    recall: tuple[float, ...] | None = None
    mean: Mapping[str, tuple[float, ...]] | None = None
    by_class: Mapping[str, tuple[float, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Ap50Parts(Evidence):
    """Beside `ap50`: AP50 of each class, YOLOv5's working point, and curves."""

    by_class: Mapping[str, float | None] | None = None
    working_point: WorkingPoint | None = None
    precision_recall: PrecisionRecall | None = None


@dataclass(frozen=True, slots=True)
class ErrorCount(Evidence):
    """Beside every `lost_…`: how many such errors there are; None beside the sums over kinds."""

    count: int | None = None


class ScoreBin(NamedTuple):
    """Detections of neighbouring scores: their bounds and number, their mean score, and the share that is right."""

    low: float
    high: float
    detections: int
    score: float
    precision: float


@dataclass(frozen=True, slots=True)
class Reliability(Evidence):
    """Beside `calibration_error`: the bins that are not empty, by rising scores."""

    bins: tuple[ScoreBin, ...] | None = None

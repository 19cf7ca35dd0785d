"""pycocotools, which decides what COCO's numbers are; the fast twin has to agree with it."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from suite.metrics.evidence.accuracy import Agreement

# by which a number of the two may differ: they add up the same values in another order
AGREEMENT = 1e-12


class EvaluatorError(RuntimeError):
    """The fast evaluator and pycocotools disagree: no number of this run can be believed."""


def pycocotools_numbers(
    annotations: Mapping[str, Any], results: Sequence[Mapping[str, Any]]
) -> tuple[float, ...]:
    """COCO's twelve numbers of `results` (image_id, category_id, bbox, score; there may be none); -1 as it gives it."""
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints; stdout is for results
        truth, detections = COCO(), COCO()
        truth.dataset = dict(annotations)
        truth.createIndex()
        # not loadRes: it fails on an empty list, and takes class indices for category ids without a word
        detections.dataset = {
            **annotations,
            "annotations": [_result(n, row) for n, row in enumerate(results, start=1)],
        }
        detections.createIndex()
        evaluation = COCOeval(truth, detections, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return tuple(float(value) for value in evaluation.stats)


def agree(names: Sequence[str], fast: Sequence[float], reference: Sequence[float]) -> Agreement:
    """The evidence that the two are equal.

    Raises:
        EvaluatorError: a number differs by more than `AGREEMENT`.
    """
    differences = {name: abs(a - b) for name, a, b in zip(names, fast, reference, strict=True)}
    for (name, difference), a, b in zip(differences.items(), fast, reference, strict=True):
        if not difference <= AGREEMENT:
            raise EvaluatorError(
                f"{name}: the fast evaluator gives {a!r}, pycocotools {version('pycocotools')} {b!r}; they must agree "
                f"to {AGREEMENT:g}, and `evaluator: pycocotools` takes the latter's word"
            )
    return Agreement(f"pycocotools {version('pycocotools')}", max(differences.values()))


def _result(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    _, _, width, height = row["bbox"]
    return {**row, "id": number, "area": width * height, "iscrowd": 0}

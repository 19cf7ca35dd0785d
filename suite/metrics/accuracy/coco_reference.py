"""pycocotools, which decides what COCO's numbers are; the fast twin has to agree with it."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from suite.record import Json

AGREEMENT = (
    1e-12  # by which a number of the two may differ: they add up the same values in another order
)


class EvaluatorError(RuntimeError):
    """The fast evaluator and pycocotools disagree: no number of this run can be believed."""


def pycocotools_numbers(
    annotations: Mapping[str, Any], results: Sequence[Mapping[str, Any]]
) -> tuple[float, ...]:
    """COCO's twelve numbers of `results` (image_id, category_id, bbox, score; there may be none); -1 as it gives it."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints; stdout is for results
        truth, found = COCO(), COCO()
        truth.dataset = dict(annotations)
        truth.createIndex()
        # not loadRes: it fails on an empty list, and takes class indices for category ids without a word
        found.dataset = {
            **annotations,
            "annotations": [_result(n, row) for n, row in enumerate(results, start=1)],
        }
        found.createIndex()
        judge = COCOeval(truth, found, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return tuple(float(value) for value in judge.stats)


def agree(
    names: Sequence[str], fast: Sequence[float], authority: Sequence[float]
) -> dict[str, Json]:
    """The evidence that the two are equal.

    Raises:
        EvaluatorError: a number differs by more than `AGREEMENT`.
    """
    apart = {name: abs(a - b) for name, a, b in zip(names, fast, authority, strict=True)}
    for (name, difference), a, b in zip(apart.items(), fast, authority, strict=True):
        if not difference <= AGREEMENT:
            raise EvaluatorError(
                f"{name}: the fast evaluator gives {a!r}, pycocotools {version('pycocotools')} {b!r}; they must agree "
                f"to {AGREEMENT:g}, and `evaluator: pycocotools` takes the latter's word"
            )
    return {
        "with": f"pycocotools {version('pycocotools')}",
        "largest_difference": max(apart.values()),
    }


def _result(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    _, _, width, height = row["bbox"]
    return {**row, "id": number, "area": width * height, "iscrowd": 0}

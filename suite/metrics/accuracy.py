"""How well a detector finds the objects of the validation pictures: COCO's twelve numbers, computed by pycocotools."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.record import Json, Measurement, Metric
from suite.spec.objective import Suppression, stated

if TYPE_CHECKING:
    from torch import Tensor

    from suite.datasets.split import Split
    from suite.metrics.curves import Curves
    from suite.nn.detector import Detector

VERSION = 1
_NUMBERS = {
    "ap": "AP",
    "ap50": "AP50",
    "ap75": "AP75",
    "ap_small": "AP of small objects",
    "ap_medium": "AP of medium objects",
    "ap_large": "AP of large objects",
    "ar_1": "AR, 1 detection a picture",
    "ar_10": "AR, 10 detections a picture",
    "ar_100": "AR, 100 detections a picture",
    "ar_small": "AR of small objects",
    "ar_medium": "AR of medium objects",
    "ar_large": "AR of large objects",
}  # in the order of pycocotools' stats
METRICS: tuple[Metric, ...] = (
    *(Metric(name, title, "", "higher", VERSION, 3, "accuracy") for name, title in _NUMBERS.items()),
    Metric("detections", "detections kept", "1", "", VERSION, 0, "accuracy"),
)
_SHOWN_CONFIDENCE = 0.25  # of a detection in the gallery
_SHOWN_MOST = 40


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measurements, and every detection as a COCO result: image_id, category_id, bbox (x, y, w, h), score."""

    measurements: tuple[Measurement, ...]
    detections: tuple[dict[str, Any], ...]


def evaluate(
    model: "Detector",
    val: "Split",
    *,
    image_size: int,
    batch: int = 16,
    confidence: float = 0.001,
    iou: float = 0.6,
    max_detections: int = 300,
    suppression: Suppression | None = None,
    device: str = "cpu",
) -> Evaluation:
    """Detect on every validation picture, letterboxed to a square, and score the detections.

    Boxes count once for each class above `confidence`; at most 100 of a picture enter AP, as COCO has it. A variant's
    own `suppression` stands before `iou`, and in the settings. The model is left in evaluation mode.

    Raises:
        ValueError: the model has another number of classes than the data, or a prediction is not finite.
        DataError: a picture does not decode.
    """
    if model.classes != len(val.categories):
        raise ValueError(
            f"{model.name}: scores {model.classes} classes, but {val.folder} has {len(val.categories)} categories"
        )
    settings: dict[str, Json] = {
        "image_size": image_size,
        "letterbox": "square",
        "confidence": confidence,
        "iou": iou,
        "max_detections": max_detections,
        "pictures": len(val.pictures),
    }
    if suppression is not None:
        settings |= own_suppression(suppression)
    thresholds = {"confidence": confidence, "iou": iou, "max_detections": max_detections, "how": suppression}
    found = _detect(model, val, (image_size, batch), device, thresholds)
    detections = _as_results(found, val)
    scores = score(val.annotations, detections)
    measurements = (*_numbers(scores, val, settings), _gallery(found, val, settings))
    return Evaluation(measurements, tuple(detections))


def own_suppression(suppression: Suppression) -> dict[str, Json]:
    """The settings that a variant's own suppression adds or replaces; none where it is YOLOv5's."""
    own = stated(suppression)
    iou: dict[str, Json] = {"iou": suppression.iou} if suppression.iou is not None else {}
    return {"suppression": own, **iou} if own else {}


@dataclass(frozen=True, slots=True)
class Scores:
    """COCO's twelve numbers in its order, -1 where no object is of that kind; AP50 by category id, likewise.

    `curves` has YOLOv5's working point; its classes are category ids.
    """

    stats: tuple[float, ...]
    ap50_by_category: Mapping[int, float]
    curves: "Curves"


def score(annotations: Mapping[str, Any], detections: Sequence[Mapping[str, Any]]) -> Scores:
    """What pycocotools says of `detections` (COCO results; there may be none) against `annotations`."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints; stdout is for results
        truth, found = COCO(), COCO()
        truth.dataset = dict(annotations)
        truth.createIndex()
        # not loadRes: it fails on an empty list, and takes class indices for category ids without a word
        found.dataset = {**annotations, "annotations": [_result(n, row) for n, row in enumerate(detections, start=1)]}
        found.createIndex()
        judge = COCOeval(truth, found, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    at_50 = judge.eval["precision"][0, :, :, 0, -1]  # (recall thresholds, categories), all areas, 100 detections
    by_category = {number: float(at_50[:, index].mean()) for index, number in enumerate(judge.params.catIds)}
    return Scores(tuple(float(value) for value in judge.stats), by_category, _curves(judge))


def _curves(judge: Any) -> "Curves":
    """From pycocotools' own matches, in all areas; what it ignores (crowds, surplus detections) is left out."""
    import numpy as np

    from suite.metrics.curves import curves

    everything = judge.params.areaRng[0]
    views = [view for view in judge.evalImgs if view is not None and view["aRng"] == everything]
    thresholds = len(judge.params.iouThrs)
    correct, scores = [np.zeros((0, thresholds), bool)], [np.zeros(0)]
    found, truth = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for view in views:
        kept = ~view["dtIgnore"][0].astype(bool)
        correct.append((view["dtMatches"] > 0).T[kept])
        scores.append(np.asarray(view["dtScores"], np.float64)[kept])
        found.append(np.full(int(kept.sum()), view["category_id"]))
        truth.append(np.full(int((view["gtIgnore"] == 0).sum()), view["category_id"]))
    return curves(np.concatenate(correct), np.concatenate(scores), np.concatenate(found), np.concatenate(truth))


def _result(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    _, _, width, height = row["bbox"]
    return {**row, "id": number, "area": width * height, "iscrowd": 0}


def _detect(
    model: "Detector", val: "Split", sizes: tuple[int, int], device: str, thresholds: Mapping[str, Any]
) -> "dict[int, Tensor]":
    """For each picture id (n, 6): left, top, right, bottom in the picture's pixels, score, class index."""
    import torch

    from suite.datasets.loader import ValidationBatches
    from suite.nn.boxes import scale_boxes
    from suite.nn.suppression import nms

    image_size, batch = sizes
    model.to(device).eval()
    found = {}
    with torch.inference_mode():
        for views in ValidationBatches(val, image_size=image_size, batch=batch):
            images = views.images.to(device, torch.float32) / 255
            kept = nms(model.predict(images), multi_label=model.classes > 1, **thresholds)
            for picture, box, rows in zip(views.pictures, views.letterboxes, kept, strict=True):
                size = (picture.height, picture.width)
                found[picture.id] = scale_boxes(rows.cpu(), ratio=box.ratio, pad=(box.pad_left, box.pad_top), size=size)
    return found


def _as_results(found: "Mapping[int, Tensor]", val: "Split") -> list[dict[str, Any]]:
    """Rounded as YOLOv5's are: boxes to 3 decimals, scores to 5."""
    return [
        {
            "image_id": number,
            "category_id": val.categories[int(label)].id,
            "bbox": [round(left, 3), round(top, 3), round(right - left, 3), round(bottom - top, 3)],
            "score": round(sure, 5),
        }
        for number, rows in found.items()
        for left, top, right, bottom, sure, label in rows.tolist()
    ]


def _numbers(scores: Scores, val: "Split", settings: Mapping[str, Json]) -> list[Measurement]:
    """One measurement each; a number that COCO gives as -1 is left out, and the first one's notes say so."""
    stats = dict(zip(_NUMBERS, scores.stats, strict=True))
    absent: dict[str, Json] = {
        name: "no such object in the validation pictures" for name, value in stats.items() if value < 0
    }
    by_class: dict[str, Json] = {
        category.name: None if scores.ap50_by_category[category.id] < 0 else scores.ap50_by_category[category.id]
        for category in val.categories
    }
    notes: dict[str, dict[str, Json]] = {
        "ap": {"absent": absent} if absent else {},
        "ap50": {"by_class": by_class, "working_point": _working_point(scores.curves, val)},
    }
    return [
        Measurement(name, VERSION, "", "trained", (value,), settings, notes.get(name, {}))
        for name, value in stats.items()
        if value >= 0
    ]


def _working_point(curves: "Curves", val: "Split") -> Json:
    """Precision and recall by class name, at the confidence with the best mean F1, as YOLOv5 prints them."""
    names = {category.id: category.name for category in val.categories}
    classes = [names[number] for number in curves.classes.tolist()]
    precision: dict[str, Json] = dict(zip(classes, curves.precision.tolist(), strict=True))
    recall: dict[str, Json] = dict(zip(classes, curves.recall.tolist(), strict=True))
    return {"confidence": curves.confidence, "precision": precision, "recall": recall}


def _gallery(found: "Mapping[int, Tensor]", val: "Split", settings: Mapping[str, Json]) -> Measurement:
    """How many detections there are; the notes hold the gallery's, in the gallery pictures' pixels, best first."""
    from suite.datasets.facts import gallery, gallery_ratio

    pictures: list[Json] = []
    for picture in gallery(val):
        ratio = gallery_ratio(picture)
        rows = found[picture.id]
        rows = rows[rows[:, 4] >= _SHOWN_CONFIDENCE][:_SHOWN_MOST]
        boxes: list[Json] = [
            [*(round(ratio * side, 1) for side in (left, top, right - left, bottom - top)), round(sure, 3), int(label)]
            for left, top, right, bottom, sure, label in rows.tolist()
        ]
        pictures.append({"id": picture.id, "boxes": boxes})
    total = float(sum(len(rows) for rows in found.values()))
    return Measurement("detections", VERSION, "1", "trained", (total,), settings, {"pictures": pictures})

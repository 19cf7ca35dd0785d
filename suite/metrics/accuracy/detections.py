"""How well a detector finds the objects of the validation pictures: COCO's twelve numbers and what they are made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from suite.datasets.loading.loader import ValBatch, ValidationBatches
from suite.datasets.loading.rectangular import RectangularBatches
from suite.datasets.split import Split
from suite.datasets.survey.facts import gallery, gallery_ratio
from suite.metrics.accuracy import assess
from suite.metrics.accuracy.assess import Evaluator, results_of
from suite.metrics.accuracy.coco_match import Detections, Truth, truth_of
from suite.metrics.accuracy.predicting import Predictor
from suite.metrics.definitions import AP, DETECTIONS
from suite.metrics.evidence.accuracy import Agreement, ApParts
from suite.metrics.evidence.gallery import DetectedBox, DetectedPicture, Gallery
from suite.nn.boxes import scale_boxes
from suite.nn.detector import Detector
from suite.nn.sizes import coarsest_stride, require_image_size
from suite.nn.suppression import nms
from suite.protocols.setups import Setup
from suite.record import Json, Measurement
from suite.spec.records.objective import Suppression, stated
from suite.stats.matches import Matches

_SHOWN_CONFIDENCE = 0.25  # of a detection in the gallery
_SHOWN_MOST = 40


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The measurements, every detection, and the matches of the detections with the objects."""

    measurements: tuple[Measurement, ...]
    truth: Truth
    detected: Detections
    matches: Matches

    @property
    def agreement(self) -> Agreement | None:
        """How the fast evaluator and pycocotools agreed; None where they were not compared."""
        beside_ap = [m.notes for m in self.measurements if m.metric == AP.name]
        return ApParts.from_json(beside_ap[0]).agreement if beside_ap else None

    @property
    def detections(self) -> tuple[dict[str, Any], ...]:
        """COCO results: image_id, category_id, bbox (x, y, w, h), score."""
        return tuple(results_of(self.truth, self.detected, own_ids=True))


def evaluate(
    model: Detector,
    val: Split,
    *,
    image_size: int,
    batch: int = 16,
    confidence: float = 0.001,
    iou: float = 0.6,
    max_detections: int = 300,
    suppression: Suppression | None = None,
    evaluator: Evaluator = "checked",
    rectangular: bool = False,
    device: str = "cpu",
    setup: Setup | None = None,
    outputs: Sequence[int] | None = None,
) -> Evaluation:
    """Detect on every validation picture, letterboxed to a square, and score the detections.

    Boxes count once for each class above `confidence`; at most 100 of a picture enter AP, as COCO
    has it. A variant's own `suppression` stands before `iou`, and in the settings. `rectangular`
    pads pictures no further than the batch needs, as YOLOv5 does, so that AP depends on `batch`.
    With a `setup` it is the deployed network in that runtime and precision which detects, for one
    shape; int8 takes its scales from the first batch. `outputs` has the model's output for each class
    of the data, where the two are not in one order. The model is left in evaluation mode.

    Raises:
        RuntimeUnfitError: the setup is not to be had here.
        ValueError: the model has another number of classes than the data, or a prediction is not finite.
        SpecError: the model's strides do not divide the size.
        DataError: a picture does not decode.
        EvaluatorError: the fast evaluator and pycocotools disagree.
    """
    if model.classes != len(val.categories):
        raise ValueError(
            f"{model.name}: scores {model.classes} classes, but {val.folder} has {len(val.categories)} categories"
        )
    require_image_size(model, image_size)
    settings: dict[str, Json] = {
        "image_size": image_size,
        "letterbox": "rectangular" if rectangular else "square",
        **({"batch": batch} if rectangular else {}),
        "confidence": confidence,
        "iou": iou,
        "max_detections": max_detections,
        "pictures": len(val.pictures),
    }
    if suppression is not None:
        settings |= own_suppression(suppression)
    if setup is not None:
        settings |= {"runtime": setup.runtime, "precision": setup.precision, "batch": batch}
    thresholds = {
        "confidence": confidence,
        "iou": iou,
        "max_detections": max_detections,
        "how": suppression,
    }
    views = _views(model, val, (image_size, batch), rectangular=rectangular)
    model.to(device).eval()
    predict: Callable[[Tensor], Tensor] = model.predict
    if setup is not None:
        predict = Predictor(model, setup, torch.get_num_threads())
    if outputs is not None:
        predict = _reordered(predict, outputs)
    boxes = _detect(predict, views, device, {"multi_label": model.classes > 1, **thresholds})
    truth, detected = truth_of(val), _as_detections(boxes, val)
    assessed = assess.assess(
        truth, detected, settings, evaluator=evaluator, annotations=lambda: val.annotations
    )
    measurements = (*assessed.measurements, _gallery(boxes, val, settings))
    return Evaluation(measurements, truth, detected, assessed.matches)


def own_suppression(suppression: Suppression) -> dict[str, Json]:
    """The settings that a variant's own suppression adds or replaces; none where it is YOLOv5's."""
    values = stated(suppression)
    iou: dict[str, Json] = {"iou": suppression.iou} if suppression.iou is not None else {}
    return {"suppression": values, **iou} if values else {}


def _views(
    model: Detector, val: Split, sizes: tuple[int, int], *, rectangular: bool
) -> Iterator[ValBatch]:
    image_size, batch = sizes
    if rectangular:
        return iter(
            RectangularBatches(
                val, image_size=image_size, batch=batch, stride=coarsest_stride(model)
            )
        )
    return iter(ValidationBatches(val, image_size=image_size, batch=batch))


def _reordered(
    predict: Callable[[Tensor], Tensor], outputs: Sequence[int]
) -> Callable[[Tensor], Tensor]:
    """The same predictions (B, N, 5 + classes), with the scores in the order of `outputs`."""
    columns = [*range(5), *(5 + output for output in outputs)]
    return lambda images: predict(images)[..., columns]


def _detect(
    predict: Callable[[Tensor], Tensor],
    views: Iterator[ValBatch],
    device: str,
    thresholds: Mapping[str, Any],
) -> dict[int, Tensor]:
    """For each picture id (n, 6): left, top, right, bottom in the picture's pixels, score, class index."""
    boxes = {}
    with torch.inference_mode():
        for view in views:
            images = view.images.to(device, torch.float32) / 255
            kept = nms(predict(images), **thresholds)
            for picture, box, rows in zip(view.pictures, view.letterboxes, kept, strict=True):
                size = (picture.height, picture.width)
                boxes[picture.id] = scale_boxes(
                    rows.cpu(), ratio=box.ratio, pad=(box.pad_left, box.pad_top), size=size
                )
    return boxes


def _as_detections(boxes: Mapping[int, Tensor], val: Split) -> Detections:
    """Rounded as YOLOv5's are: boxes to 3 decimals, scores to 5. Pictures in the order of the split."""
    rows = [boxes[picture.id].double().numpy() for picture in val.pictures]
    table = np.concatenate(rows)
    corners = table[:, :4]
    sides = np.concatenate((corners[:, :2], corners[:, 2:] - corners[:, :2]), axis=1)
    return Detections(
        np.repeat(np.arange(len(rows)), [len(each) for each in rows]),
        table[:, 5].astype(np.int64),
        sides.round(3),
        table[:, 4].round(5),
    )


def _gallery(boxes: Mapping[int, Tensor], val: Split, settings: Mapping[str, Json]) -> Measurement:
    """How many detections there are; beside it the gallery's, in the gallery pictures' pixels, best first."""
    pictures = tuple(
        DetectedPicture(picture.own_id, _shown(boxes[picture.id], gallery_ratio(picture)))
        for picture in gallery(val)
    )
    total = float(sum(len(rows) for rows in boxes.values()))
    noted = Gallery(pictures)
    return DETECTIONS.measured((total,), form="trained", settings=settings, notes=noted.as_json)


def _shown(rows: Tensor, ratio: float) -> tuple[DetectedBox, ...]:
    """The sure ones of a picture's detections (n, 6), in a picture that is `ratio` times as large."""
    sure = rows[rows[:, 4] >= _SHOWN_CONFIDENCE][:_SHOWN_MOST]
    return tuple(
        DetectedBox(
            round(ratio * left, 1),
            round(ratio * top, 1),
            round(ratio * (right - left), 1),
            round(ratio * (bottom - top), 1),
            round(score, 3),
            int(label),
        )
        for left, top, right, bottom, score, label in sure.tolist()
    )

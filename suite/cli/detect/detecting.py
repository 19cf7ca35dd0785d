"""`detect`, when it is really called: every picture is looked at, drawn and listed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from suite.cli.checkpoints import fitting_size, load_detector
from suite.cli.detect.drawing import draw, write
from suite.cli.detect.options import DetectOptions
from suite.cli.detect.pictures import pictures_of
from suite.cli.detect.records import Box, Seen, Thresholds
from suite.cli.output import ExitCode, reply, say, table
from suite.datasets.decode import darkness, read_image
from suite.datasets.images import Image, Letterbox, letterbox, stretch
from suite.datasets.split import DataError
from suite.nn.boxes import scale_boxes
from suite.nn.deploy import deploy
from suite.nn.detector import Detector
from suite.nn.sizes import coarsest_stride
from suite.nn.suppression import nms
from suite.record import Json

DEFAULT_IOU = 0.45  # YOLOv5's


def detect(options: DetectOptions, *, as_json: bool) -> int:
    """Look at every picture, draw and list what is there; the exit code."""
    images = pictures_of(options.images, options.out)
    loaded = load_detector(
        options.name, options.weights, options.variants, allow_code=options.allow_code
    )
    size = fitting_size(options.imgsz, loaded)
    model = deploy(loaded.model).to(options.device)
    suppression = loaded.suppression
    if options.iou is not None:
        suppression = replace(suppression, iou=options.iou)
    thresholds = Thresholds(options.conf, suppression, options.max_det)
    seen: list[Seen] = []
    problems: list[str] = []
    for image in images:
        try:
            pixels = read_image(image)
        except DataError as error:
            problems.append(str(error))
            continue
        if dark := darkness(image, pixels):
            say(f"warning: {dark}")
        view = _view(pixels, model, size, stretched=options.stretch)
        boxes = _detect(model, view, thresholds, options.device)
        taken = {picture.drawn for picture in seen}
        drawn = write(draw(pixels, boxes, loaded.class_names), options.out, image, taken)
        seen.append(Seen(image, drawn, (pixels.shape[1], pixels.shape[0]), boxes))
    for problem in problems:
        say(f"ablation: {problem}")
    if as_json:
        errors: list[Json] = [{"code": "exit-4", "message": problem} for problem in problems]
        reply("detect", [_json(picture, loaded.class_names) for picture in seen], errors)
    else:
        _tell(seen, loaded.class_names)
    return ExitCode.NOTHING if problems else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class View:
    """A picture of `size` (height and width) as the network sees it."""

    image: Image
    letterbox: Letterbox
    size: tuple[int, int]


def _view(pixels: Image, model: Detector, size: int, *, stretched: bool) -> View:
    """As YOLOv5's inference: the longer side scaled to `size`, both padded to the next multiple of the stride."""
    if stretched:
        image, placement = stretch(pixels, size)
    else:
        stride = coarsest_stride(model)
        image, placement = letterbox(pixels, size, enlarge=True, stride=stride)
    return View(image, placement, (pixels.shape[0], pixels.shape[1]))


def _detect(model: Detector, view: View, thresholds: Thresholds, device: str) -> tuple[Box, ...]:
    image = torch.from_numpy(view.image).permute(2, 0, 1)[None].to(device, torch.float32) / 255
    with torch.inference_mode():
        (rows,) = nms(
            model.predict(image),
            confidence=thresholds.confidence,
            iou=DEFAULT_IOU,
            max_detections=thresholds.max_detections,
            how=thresholds.suppression,
        )
    placement = view.letterbox
    rows = scale_boxes(
        rows.cpu(),
        ratio=placement.ratio,
        pad=(placement.pad_left, placement.pad_top),
        size=view.size,
    )
    return tuple(
        Box((left, top, right - left, bottom - top), score, int(label))
        for left, top, right, bottom, score, label in rows.tolist()
    )


def _tell(seen: Sequence[Seen], names: Sequence[str]) -> None:
    rows = [
        (
            str(picture.image),
            names[box.label],
            f"{box.score:.3f}",
            *(round(side, 1) for side in box.xywh),
        )
        for picture in seen
        for box in picture.boxes
    ]
    table(("PICTURE", "CLASS", "SCORE", "X", "Y", "WIDTH", "HEIGHT"), rows)
    for picture in seen:
        say(f"{picture.image}: {len(picture.boxes)} found, drawn in {picture.drawn}")


def _json(picture: Seen, names: Sequence[str]) -> Json:
    return {
        "image": str(picture.image),
        "drawn": str(picture.drawn),
        "width": picture.size[0],
        "height": picture.size[1],
        "boxes": [
            {
                "class": names[box.label],
                "label": box.label,
                "score": round(box.score, 5),
                "box": [round(side, 3) for side in box.xywh],
            }
            for box in picture.boxes
        ],
    }

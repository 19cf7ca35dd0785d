"""`detect`: what a variant finds in pictures, drawn and listed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from suite.cli.checkpoints import Loaded, fitting_size, load_detector
from suite.cli.options import (
    allow_code_option,
    json_option,
    name_argument,
    out_option,
    variants_option,
)
from suite.cli.output import ExitCode, reply, say, table
from suite.record import Json
from suite.spec.records.objective import Suppression

if TYPE_CHECKING:
    from suite.datasets.images import Image, Letterbox

DEFAULT_IOU = 0.45  # YOLOv5's


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, width, height in the picture's pixels, with score and class index."""

    xywh: tuple[float, float, float, float]
    score: float
    label: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture, where its drawn copy is, its size and the boxes, best first."""

    image: Path
    drawn: Path
    size: tuple[int, int]
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a detection must exceed, how doubles are suppressed, and how many a picture keeps."""

    confidence: float
    suppression: Suppression
    max_detections: int


@click.command("detect")
@name_argument
@click.argument(
    "images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@variants_option
@allow_code_option
@click.option(
    "--weights",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint of `train` (.safetensors) or of YOLOv5 (.pt, read without executing anything in it).",
)
@out_option("Where the drawn pictures go.", Path("out/detect"))
@click.option(
    "--imgsz",
    type=click.IntRange(32),
    metavar="PIXELS",
    help="Default: what was trained at, or 640.",
)
@click.option("--conf", type=click.FloatRange(0, 1), default=0.25, show_default=True)
@click.option(
    "--iou",
    type=click.FloatRange(0, 1),
    help="Of the suppression. Default: the variant's own `nms`, or 0.45.",
)
@click.option(
    "--max-det",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Detections a picture.",
)
@click.option(
    "--stretch",
    is_flag=True,
    help="Scale pictures to a square whatever their shape, without a border.",
)
@click.option("--device", default="cpu", show_default=True)
@json_option
def command(
    name: str,
    images: tuple[Path, ...],
    variants: tuple[Path, ...],
    weights: Path,
    out: Path,
    *,
    imgsz: int | None,
    conf: float,
    iou: float | None,
    max_det: int,
    stretch: bool,
    device: str,
    allow_code: bool,
    as_json: bool,
) -> int:
    """Draw what a variant finds in pictures, and list the boxes.

    A picture that cannot be read is named, the others are done, and the exit code is 4.
    """
    loaded = load_detector(name, weights, variants, allow_code=allow_code)
    size = fitting_size(imgsz, loaded)
    from suite.datasets.decode import read_image
    from suite.datasets.split import DataError
    from suite.nn.deploy import deploy

    model = replace(loaded, model=deploy(loaded.model).to(device))
    own = loaded.suppression if iou is None else replace(loaded.suppression, iou=iou)
    seen: list[Seen] = []
    problems: list[str] = []
    for image in images:
        try:
            pixels = read_image(image)
        except DataError as error:
            problems.append(str(error))
            continue
        boxes = _detect(
            model,
            _view(pixels, model, size, stretched=stretch),
            Thresholds(conf, own, max_det),
            device,
        )
        drawn = _write(_draw(pixels, boxes, loaded.names), out, image, {s.drawn for s in seen})
        seen.append(Seen(image, drawn, (pixels.shape[1], pixels.shape[0]), boxes))
    for problem in problems:
        say(f"ablation: {problem}")
    if as_json:
        errors: list[Json] = [{"code": "exit-4", "message": problem} for problem in problems]
        reply("detect", [_json(picture, loaded.names) for picture in seen], errors)
    else:
        _tell(seen, loaded.names)
    return ExitCode.NOTHING if problems else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class View:
    """A picture of `size` (height and width) as the network sees it."""

    image: "Image"
    place: "Letterbox"
    size: tuple[int, int]


def _view(pixels: "Image", loaded: Loaded, size: int, *, stretched: bool) -> View:
    """As YOLOv5's inference: the longer side scaled to `size`, both padded to the next multiple of the stride."""
    from suite.datasets.images import letterbox, stretch

    stride = max(loaded.model.strides)
    image, place = (
        stretch(pixels, size) if stretched else letterbox(pixels, size, enlarge=True, stride=stride)
    )
    return View(image, place, (pixels.shape[0], pixels.shape[1]))


def _detect(loaded: Loaded, view: View, thresholds: Thresholds, device: str) -> tuple[Box, ...]:
    import torch

    from suite.nn.boxes import scale_boxes
    from suite.nn.suppression import nms

    image = torch.from_numpy(view.image).permute(2, 0, 1)[None].to(device, torch.float32) / 255
    with torch.inference_mode():
        (rows,) = nms(
            loaded.model.predict(image),
            confidence=thresholds.confidence,
            iou=DEFAULT_IOU,
            max_detections=thresholds.max_detections,
            how=thresholds.suppression,
        )
    place = view.place
    rows = scale_boxes(
        rows.cpu(), ratio=place.ratio, pad=(place.pad_left, place.pad_top), size=view.size
    )
    return tuple(
        Box((left, top, right - left, bottom - top), score, int(label))
        for left, top, right, bottom, score, label in rows.tolist()
    )


def _draw(pixels: "Image", boxes: Sequence[Box], names: Sequence[str]) -> "Image":
    """Frames with name and score, the best on top; small pictures are enlarged, or the words would hide them."""
    import cv2

    factor = max(_LEAST_SIDE // max(pixels.shape[:2]), 1)
    canvas = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    scale = max(sum(canvas.shape[:2]) / 2 / 640, 0.6)
    width = max(round(2 * scale), 1)
    for box in reversed(boxes):
        colour = _COLOURS[box.label % len(_COLOURS)]
        x, y, across, down = (factor * side for side in box.xywh)
        left, top, right, bottom = round(x), round(y), round(x + across), round(y + down)
        cv2.rectangle(canvas, (left, top), (right, bottom), colour, width)
        text = f"{names[box.label]} {box.score:.2f}"
        (text_width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale / 2, 1)
        base = max(top, height + 4)
        cv2.rectangle(
            canvas, (left, base - height - 4), (left + text_width, base), colour, cv2.FILLED
        )
        cv2.putText(
            canvas,
            text,
            (left, base - 3),
            cv2.FONT_HERSHEY_SIMPLEX,
            scale / 2,
            (0, 0, 0),
            1,
            cv2.LINE_AA,
        )
    return canvas


_LEAST_SIDE = 512  # pixels of a drawn picture's longer side, or half of that
# Okabe and Ito's colours, which the colour-blind can tell apart too (RGB)
_COLOURS = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (204, 121, 167),
    (213, 94, 0),
    (160, 160, 160),
)


def _write(drawn: "Image", out: Path, image: Path, taken: set[Path]) -> Path:
    """Two pictures of one name from two folders do not overwrite each other."""
    from suite.datasets.images import encode_jpeg

    out.mkdir(parents=True, exist_ok=True)
    path, number = out / f"{image.stem}.jpg", 1
    while path in taken:
        number += 1
        path = out / f"{image.stem}-{number}.jpg"
    path.write_bytes(encode_jpeg(drawn, quality=92))
    return path


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

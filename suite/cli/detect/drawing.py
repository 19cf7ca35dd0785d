"""Boxes drawn into a picture."""

from collections.abc import Sequence
from pathlib import Path

import cv2

from suite.cli.detect.mark import marked
from suite.cli.detect.records import Box
from suite.datasets.images import Image, encode_jpeg
from suite.files import replacing


def draw(pixels: Image, boxes: Sequence[Box], names: Sequence[str]) -> Image:
    """Frames with name and score, the best on top; small pictures are enlarged, or the words would hide them."""
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
        corner = (left, base - 3)
        cv2.putText(
            canvas, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale / 2, _BLACK, 1, cv2.LINE_AA
        )
    return canvas


_LEAST_SIDE = 512  # pixels of a drawn picture's longer side, or half of that
_BLACK = (0, 0, 0)
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


def write(drawn: Image, out: Path, image: Path, taken: set[Path]) -> Path:
    """Two pictures of one name from two folders do not overwrite each other."""
    path, number = out / f"{image.stem}.jpg", 1
    while path in taken:
        number += 1
        path = out / f"{image.stem}-{number}.jpg"
    with replacing(path, durable=False) as part:  # what a link of that name leads to stays as it is
        part.write_bytes(marked(encode_jpeg(drawn, quality=92)))
    return path

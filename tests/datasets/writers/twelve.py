"""The set that other tools wrote and read: twelve pictures, drawn here, so that only what the tools wrote is kept."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIDES = (96, 72)  # width, height
NAMES = {1: "ant", 3: "bee", 7: "cat", 9: "dog"}  # the last has no objects
PICTURES = {
    "train": ("t1", "t2", "t3", "t4", "t5", "t6", "t7", "sub/t8"),
    "val": ("v1", "v2", "v3", "sub/v4"),
}
_EMPTY = ("t7", "v3")
_CROWDED = {"t2": [4, 50, 60, 16], "v2": [4, 50, 60, 16]}


def objects(name: str) -> list[dict[str, Any]]:
    """Two or three boxes of whole pixels, one of which has decimals in the first picture of a part."""
    if name in _EMPTY:
        return []
    place = int(name[-1])
    rows: list[dict[str, Any]] = [
        {"category_id": 1, "bbox": [4 + place, 6, 20, 16], "iscrowd": 0},
        {"category_id": 3, "bbox": [40, 8 + place, 32, 32], "iscrowd": 0},
    ]
    if place == 1:
        rows.append({"category_id": 7, "bbox": [70.25, 50.5, 20.5, 16.25], "iscrowd": 0})
    if name in _CROWDED:
        rows.append({"category_id": 1, "bbox": _CROWDED[name], "iscrowd": 1})
    for row in rows:
        row["area"] = row["bbox"][2] * row["bbox"][3]
        row["segmentation"] = _outline(row)
    return rows


def _outline(row: dict[str, Any]) -> Any:
    left, top, width, height = row["bbox"]
    right, bottom = left + width, top + height
    if not row["iscrowd"]:
        return [[left, top, right, top, right, bottom, left, bottom]]
    mask = np.zeros(SIDES[::-1], np.uint8)
    mask[int(top) : int(bottom), int(left) : int(right)] = 1
    values = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(values)) + 1
    runs = np.diff(np.concatenate(([0], edges, [len(values)])))
    return {"size": [SIDES[1], SIDES[0]], "counts": runs.tolist()}


def draw(file: Path, name: str) -> None:
    """The picture: grey, its objects bright, and no two alike."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((SIDES[1], SIDES[0], 3), 20 + 5 * int(name[-1]) + ord(name[-2]) % 4, np.uint8)
    for row in objects(name):
        left, top, width, height = (round(side) for side in row["bbox"])
        image[top : top + height, left : left + width] = 40 * (row["category_id"] % 5) + 60
    cv2.imwrite(str(file), image, [cv2.IMWRITE_JPEG_QUALITY, 95])


def lay(folder: Path) -> Path:
    """The set in COCO's form."""
    for part, names in PICTURES.items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, name in enumerate(names, start=1):
            draw(folder / f"images/{part}/{name}.jpg", name)
            images.append(
                {"id": number, "file_name": f"{name}.jpg", "width": SIDES[0], "height": SIDES[1]}
            )
            for row in objects(name):
                annotations.append({"id": len(annotations) + 1, "image_id": number, **row})
        table = [{"id": n, "name": word, "supercategory": ""} for n, word in NAMES.items()]
        content = {"images": images, "annotations": annotations, "categories": table}
        (folder / "annotations").mkdir(exist_ok=True)
        (folder / f"annotations/instances_{part}.json").write_text(json.dumps(content))
    return folder

"""One small data set, written in each of the three forms."""

import json
from pathlib import Path
from typing import Any

from suite.datasets.split import Split

NAMES = ("cat", "dog", "emu")


def write_coco(folder: Path, parts: dict[str, Split]) -> Path:
    """instances_{part}.json, with the ids that the split has."""
    for part, split in parts.items():
        _link(split, folder / "images" / part)
        content: dict[str, Any] = {**split.annotations, "images": []}
        for picture in split.pictures:
            row = {
                "id": picture.id,
                "file_name": picture.file.name,
                "width": picture.width,
                "height": picture.height,
            }
            content["images"].append(row)
        (folder / f"instances_{part}.json").write_text(json.dumps(content))
    return folder


def write_yolo(folder: Path, parts: dict[str, Split]) -> Path:
    """data.yaml, images/{part} and labels/{part}, with all digits that a number has."""
    names = [category.name for category in parts["train"].categories]
    table = "\n".join(f"  {number}: {name}" for number, name in enumerate(names))
    for part, split in parts.items():
        _link(split, folder / "images" / part)
        (folder / "labels" / part).mkdir(parents=True)
        for picture in split.pictures:
            rows = []
            for label, (x, y, width, height) in zip(
                picture.labels, picture.boxes.tolist(), strict=True
            ):
                centre = ((x + width / 2) / picture.width, (y + height / 2) / picture.height)
                rows.append(
                    f"{label} {centre[0]} {centre[1]} {width / picture.width} {height / picture.height}\n"
                )
            if rows:
                (folder / "labels" / part / f"{picture.file.stem}.txt").write_text("".join(rows))
    (folder / "data.yaml").write_text(
        f"path: .\ntrain: images/train\nval: images/val\nnames:\n{table}\n"
    )
    return folder


def write_voc(folder: Path, parts: dict[str, Split]) -> Path:
    """ImageSets/Main, Annotations and JPEGImages, and classes.txt for the order of the classes."""
    names = [category.name for category in parts["train"].categories]
    for inner in ("ImageSets/Main", "Annotations"):
        (folder / inner).mkdir(parents=True)
    (folder / "classes.txt").write_text("\n".join(names))
    for part, split in parts.items():
        _link(split, folder / "JPEGImages")
        stems = [picture.file.stem for picture in split.pictures]
        (folder / f"ImageSets/Main/{part}.txt").write_text("\n".join(stems) + "\n")
        for picture in split.pictures:
            things = "".join(
                f"<object><name>{names[label]}</name><difficult>{int(crowd)}</difficult><bndbox><xmin>{x}</xmin>"
                f"<ymin>{y}</ymin><xmax>{x + width}</xmax><ymax>{y + height}</ymax></bndbox></object>\n"
                for label, crowd, (x, y, width, height) in zip(
                    picture.labels, picture.crowd, picture.boxes.tolist(), strict=True
                )
            )
            size = f"<size><width>{picture.width}</width><height>{picture.height}</height><depth>3</depth></size>\n"
            text = f"<?xml version='1.0'?>\n<annotation>\n{size}{things}</annotation>\n"
            (folder / f"Annotations/{picture.file.stem}.xml").write_text(text)
    return folder


def _link(split: Split, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for picture in split.pictures:
        (folder / picture.file.name).hardlink_to(picture.file)

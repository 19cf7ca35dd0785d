"""Simulated sets in COCO's form: objects, and detections that find some of them, miss others and see what is not."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.metrics.accuracy.coco_match import Truth

Coco = tuple[dict[str, Any], list[dict[str, Any]]]


def made(
    seed: int,
    *,
    pictures: int = 30,
    classes: int = 5,
    objects: float = 6.0,
    detections: int = 20,
    crowd: float = 0.0,
    borders: bool = False,
    empty: bool = False,
    ties: bool = False,
    texts: bool = False,
) -> Coco:
    """Annotations and results.

    Args:
        seed: of everything.
        pictures: how many.
        classes: how many; their ids are 1, 4, 7, ...
        objects: a picture has on average.
        detections: of each picture; two thirds lie near an object.
        crowd: share of the objects that are crowd regions.
        borders: areas exactly on COCO's borders, 32^2 and 96^2.
        empty: most categories have no object and a third of the pictures have none.
        ties: scores have one digit.
        texts: ids of pictures are texts.
    """
    stream = np.random.default_rng(seed)
    ids: list[Any] = [f"picture {n:03d}" if texts else 10 * n for n in range(pictures)]
    used = max(classes // 4, 1) if empty else classes
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number in ids:
        count = 0 if empty and stream.random() < 0.3 else int(stream.poisson(objects))
        here = [_object(stream, number, used, crowd=crowd, borders=borders) for _ in range(count)]
        annotations += here
        results += [_detection(stream, number, here, classes, ties=ties) for _ in range(detections)]
    for place, row in enumerate(annotations, start=1):
        row["id"] = place
    truth = {
        "images": [{"id": number, "width": 640, "height": 480} for number in ids],
        "categories": [{"id": 3 * k + 1, "name": f"class {k}"} for k in range(classes)],
        "annotations": annotations,
    }
    return truth, results


def from_annotations(annotations: Mapping[str, Any]) -> Truth:
    """The objects as the matching wants them."""
    pictures = sorted({row["id"] for row in annotations["images"]})
    names = {row["id"]: row["name"] for row in annotations["categories"]}
    categories = sorted(names)
    places = {number: index for index, number in enumerate(pictures)}
    labels = {number: index for index, number in enumerate(categories)}
    rows = annotations["annotations"]
    return Truth(
        np.array(pictures),
        np.array(categories, np.int64),
        tuple(names[number] for number in categories),
        np.array([places[row["image_id"]] for row in rows], np.int64),
        np.array([labels[row["category_id"]] for row in rows], np.int64),
        np.array([row["bbox"] for row in rows], np.float64).reshape(-1, 4),
        np.array([row["area"] for row in rows], np.float64),
        np.array([bool(row.get("iscrowd", 0)) for row in rows], np.bool_),
    )


def _object(
    stream: np.random.Generator, picture: Any, classes: int, *, crowd: float, borders: bool
) -> dict[str, Any]:
    width, height = np.exp(stream.uniform(np.log(6), np.log(250), 2)).round(2).tolist()
    if borders and stream.random() < 0.7:
        width = height = float(stream.choice([32, 96]))
    x, y = stream.uniform(0, 400, 2).round(2).tolist()
    area = (
        width * height
        if borders or stream.random() < 0.5
        else width * height * float(stream.uniform(0.4, 1))
    )
    return {
        "image_id": picture,
        "category_id": 3 * int(stream.integers(classes)) + 1,
        "bbox": [x, y, width, height],
        "area": area,
        "iscrowd": int(stream.random() < crowd),
    }


def _detection(
    stream: np.random.Generator,
    picture: Any,
    objects: list[dict[str, Any]],
    classes: int,
    *,
    ties: bool,
) -> dict[str, Any]:
    if objects and stream.random() < 0.67:
        aim = objects[stream.integers(len(objects))]
        x, y, width, height = aim["bbox"]
        blur = stream.choice([0.0, 0.02, 0.08, 0.3])
        x, y = x + blur * width * stream.normal(), y + blur * height * stream.normal()
        width, height = (
            width * np.exp(blur * stream.normal()),
            height * np.exp(blur * stream.normal()),
        )
        label = (
            aim["category_id"] if stream.random() < 0.85 else 3 * int(stream.integers(classes)) + 1
        )
        score = stream.beta(3, 2)
    else:
        x, y = stream.uniform(0, 400, 2)
        width, height = np.exp(stream.uniform(np.log(6), np.log(250), 2))
        label, score = 3 * int(stream.integers(classes)) + 1, stream.beta(1, 4)
    box = [round(float(v), 3) for v in (x, y, width, height)]
    return {
        "image_id": picture,
        "category_id": label,
        "bbox": box,
        "score": round(float(score), 1 if ties else 5),
    }

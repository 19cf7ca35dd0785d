"""Polygons of objects on their way from the files to copy-paste."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.augment.order import Augment
from suite.datasets.formats.forms import read_split
from suite.datasets.loading.loader import TrainingBatches
from suite.datasets.split import Split

WIDTH, HEIGHT = 80, 60
TRIANGLE = [10, 10, 40, 10, 10, 50]
SLIVER = [50, 50, 55, 50, 55, 52]


def coco(folder: Path, *segmentations: object) -> Split:
    """One picture with an object a segmentation; all have the triangle's box."""
    rows = [
        {
            "id": n,
            "image_id": 1,
            "category_id": 1,
            "bbox": [10, 10, 30, 40],
            "segmentation": segmentation,
            "area": 600,
        }
        for n, segmentation in enumerate(segmentations, start=1)
    ]
    image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    cv2.fillPoly(image, [np.array(TRIANGLE).reshape(-1, 2)], (255, 255, 255))
    (folder / "images").mkdir()
    cv2.imwrite(str(folder / "images" / "a.png"), image)
    about = {"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}
    content = {"images": [about], "categories": [{"id": 1, "name": "wedge"}], "annotations": rows}
    (folder / "instances_train.json").write_text(json.dumps(content))
    return read_split(folder, "train")


def test_of_several_parts_the_largest_is_the_outline(tmp_path: Path) -> None:
    (picture,) = coco(tmp_path, [SLIVER, TRIANGLE]).pictures

    assert picture.outlines[0].tolist() == np.reshape(TRIANGLE, (-1, 2)).tolist()


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        {"counts": [1, 2], "size": [60, 80]},
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5]],
        [["a"] * 6],
        [[1e30] * 6],
        7,
    ],
)
def test_what_is_no_polygon_is_no_outline(tmp_path: Path, segmentation: object) -> None:
    (picture,) = coco(tmp_path, [TRIANGLE], segmentation).pictures

    assert [len(outline) for outline in picture.outlines] == [3, 0]


def test_a_data_set_of_boxes_has_no_outlines(tmp_path: Path) -> None:
    (picture,) = coco(tmp_path, None, []).pictures

    assert picture.outlines == ()


def test_outlines_change_the_fingerprint(tmp_path: Path) -> None:
    prints = set()
    for number, segmentation in enumerate(([TRIANGLE], [SLIVER], None)):
        folder = tmp_path / str(number)
        folder.mkdir()
        prints.add(coco(folder, segmentation).fingerprint)

    assert len(prints) == 3


def test_polygons_of_yolo_txt_are_outlines_in_pixels(tmp_path: Path) -> None:
    for folder in ("images/train", "labels/train"):
        (tmp_path / folder).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "images/train/a.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    shares = np.array(TRIANGLE) / ([WIDTH, HEIGHT] * 3)
    lines = [f"0 {' '.join(map(repr, shares.tolist()))}", "0 0.5 0.5 0.2 0.2"]
    (tmp_path / "labels/train/a.txt").write_text("\n".join(lines))
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/train\nnames: [wedge]\n")

    (picture,) = read_split(tmp_path, "train").pictures

    assert picture.outlines[0].flatten().tolist() == pytest.approx(TRIANGLE, rel=1e-6)
    assert len(picture.outlines[1]) == 0


def test_copy_paste_adds_mirrored_objects_to_mosaics(tmp_path: Path) -> None:
    split = coco(tmp_path, [TRIANGLE])

    def found(share: float) -> list[tuple[int, int]]:
        """Boxes and white pixels of each of forty mosaics."""
        augment = Augment(fliplr=0, mosaic=1, copy_paste=share)
        loader = TrainingBatches(split, image_size=80, batch=1, steps=40, seed=0, augment=augment)
        return [(len(batch.targets), int((batch.images > 200).all(1).sum())) for batch in loader]

    without, pasted = np.array(found(0.0)), np.array(found(1.0))
    assert (pasted >= without).all()
    assert (pasted > without).all(axis=1).sum() >= 10

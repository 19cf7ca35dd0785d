"""The three forms of one data set are one data set."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from suite.datasets.formats.forms import SplitName, read_split
from suite.datasets.split import Category, Split
from tests.datasets.made_pictures import made_picture
from tests.datasets.written_forms import NAMES, write_coco, write_voc, write_yolo

SHARED = Path(os.environ.get("ABLATION_SHARED", Path(__file__).parents[4] / "shared")) / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="ABLATION_SHARED names no folder with real data sets"
)
WRITERS = {"COCO JSON": write_coco, "YOLO txt": write_yolo, "Pascal VOC": write_voc}
Write = Callable[[Path, dict[str, Split]], Path]


def part(folder: Path, name: str, first: int) -> Split:
    """Three pictures with sides that divide nothing: two boxes, one, none."""
    folder.mkdir()
    pictures = (
        made_picture(
            folder, first, (65, 47), [[8, 4, 21, 11], [30.5, 20.25, 13, 17]], labels=[2, 0]
        ),
        made_picture(folder, first + 1, (47, 65), [[1, 1, 3, 5]], labels=[1]),
        made_picture(folder, first + 2, (64, 48), []),
    )
    categories = tuple(Category(number, word) for number, word in enumerate(NAMES, start=1))
    return Split("made", folder, name, categories, pictures, (), "")


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Split]:
    return {"train": part(tmp_path / "a", "train", 11), "val": part(tmp_path / "b", "val", 70)}


def annotations(split: Split) -> list[dict]:
    """As pycocotools gets them, without the rounding that a quotient and its product leave."""
    rows = split.annotations["annotations"]
    return [
        {**row, "bbox": np.round(row["bbox"], 9).tolist(), "area": round(row["area"], 6)}
        for row in rows
    ]


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("name", ["train", "val"])
def test_every_form_gives_the_boxes_that_were_written(
    tmp_path: Path, parts: dict[str, Split], form: str, name
) -> None:
    found = read_split(WRITERS[form](tmp_path / "set", parts), name)

    assert (found.form, found.issues) == (form, ())
    assert [p.id for p in found.pictures] == [p.id for p in parts[name].pictures]
    for one, other in zip(found.pictures, parts[name].pictures, strict=True):
        assert one.boxes == pytest.approx(other.boxes, abs=1e-9)
        assert (one.labels.tolist(), one.width, one.height) == (
            other.labels.tolist(),
            other.width,
            other.height,
        )
    assert [category.name for category in found.categories] == list(NAMES)


def test_evaluation_sees_the_same_annotations_in_every_form(
    tmp_path: Path, parts: dict[str, Split]
) -> None:
    read = [read_split(write(tmp_path / form, parts), "val") for form, write in WRITERS.items()]

    assert annotations(read[0]) == annotations(read[1]) == annotations(read[2])
    assert (
        read[0].annotations["images"]
        == read[1].annotations["images"]
        == read[2].annotations["images"]
    )
    assert (
        read[0].annotations["categories"]
        == read[1].annotations["categories"]
        == read[2].annotations["categories"]
    )


@needs_shared
def test_real_blood_cells_are_the_same_in_every_form(tmp_path: Path) -> None:
    """Its ids are the numbers that the names end with, so all forms have them; some of its boxes touch the edges.

    None touches an edge at 0: the set was drawn with pixels counted from 1, which VOC's form has a note of.
    """
    names: tuple[SplitName, ...] = ("train", "val")
    parts = {name: read_split(SHARED / "bccd", name) for name in names}
    shutil.copytree(SHARED / "bccd" / "images", tmp_path / "images")
    local: dict[str, Split] = {
        name: read_split(write_coco_beside(tmp_path, name), name) for name in names
    }

    noted = {
        write_yolo: [],
        write_voc: ["corners may count pixels from 1 (--voc-first-pixel tells)"],
    }
    for write, kinds in noted.items():
        found = read_split(write(tmp_path / write.__name__, local), "val")

        assert [issue.kind for issue in found.issues] == kinds
        assert annotations(found) == annotations(parts["val"])
        assert found.annotations["images"] == parts["val"].annotations["images"]


def write_coco_beside(folder: Path, name: str) -> Path:
    shutil.copy(SHARED / "bccd" / f"instances_{name}.json", folder)
    return folder


def test_the_form_of_which_both_parts_are_there_goes_first(
    tmp_path: Path, parts: dict[str, Split]
) -> None:
    """As in the COCO that YOLOv5's own script unpacks: labels for both parts, JSON for the validation only."""
    folder = write_yolo(tmp_path / "set", parts)
    write_coco(tmp_path / "other", parts)
    shutil.copy(tmp_path / "other/instances_val.json", folder)

    assert read_split(folder, "val").form == "YOLO txt"


def test_a_picture_whose_name_has_no_number_is_numbered_by_its_place(
    tmp_path: Path, parts: dict[str, Split]
) -> None:
    folder = write_yolo(tmp_path / "set", parts)
    (folder / "images/val/71.png").rename(folder / "images/val/seventy-one.png")
    (folder / "labels/val/71.txt").rename(folder / "labels/val/seventy-one.txt")

    found = read_split(folder, "val")

    assert [(p.id, p.file.name) for p in found.pictures] == [
        (1, "70.png"),
        (2, "72.png"),
        (3, "seventy-one.png"),
    ]

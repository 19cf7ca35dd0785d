"""Values of a COCO file that other tools write in ways of their own."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from suite.datasets.formats.forms import read_split
from suite.datasets.formats.spelling import SLASHES
from suite.datasets.split import DataError, Split


def read(folder: Path, *annotations: dict[str, Any], name: str = "1.jpg", file: str = "") -> Split:
    """A sound object and these, on one picture of 160 x 120, called `name` and lying at `file`."""
    path = folder / "images" / (file or name)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imencode(".jpg", np.full((120, 160, 3), 90, np.uint8))[1].tofile(str(path))
    sound: dict[str, Any] = {"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]}
    rows = [{"id": place, **sound, **row} for place, row in enumerate(({}, *annotations), start=1)]
    content = {
        "categories": [{"id": 1, "name": "cat"}],
        "images": [{"id": 1, "file_name": name, "width": 160, "height": 120}],
        "annotations": rows,
    }
    (folder / "instances_val.json").write_text(json.dumps(content))
    return read_split(folder, "val")


def kinds(split: Split) -> dict[str, int]:
    return {issue.kind: issue.count for issue in split.issues}


@pytest.mark.parametrize(
    ("value", "crowd"),
    [(0, False), (1, True), (False, False), (True, True), (None, False), (0.0, False), (1.0, True)],
)
def test_iscrowd_is_a_truth_value(tmp_path: Path, value: object, crowd: bool) -> None:
    split = read(tmp_path, {"iscrowd": value})

    assert (split.pictures[0].crowd.tolist(), split.issues) == ([False, crowd], ())


@pytest.mark.parametrize(
    ("value", "crowd"),
    [("0", False), ("1", True), ("false", False), ("True", True), ("", False), ("no", False),
     (2, False), (-1, False), (0.5, False), ([], False), ([0], False), ({"a": 1}, False)],
)  # fmt: skip
def test_any_other_iscrowd_is_read_by_its_meaning_and_counted(
    tmp_path: Path, value: object, crowd: bool
) -> None:
    split = read(tmp_path, {"iscrowd": value})

    assert split.pictures[0].crowd.tolist() == [False, crowd]
    assert kinds(split) == {f"iscrowd is not written as 0 or 1, and taken as {int(crowd)}": 1}
    assert repr(value) in split.issues[0].examples[0]


def test_an_area_larger_than_its_box_is_that_of_the_box(tmp_path: Path) -> None:
    split = read(tmp_path, {"bbox": [65, 19, 23, 27], "area": 19200})

    assert split.pictures[0].area.tolist() == [400.0, 23 * 27]
    assert kinds(split) == {"area larger than its box, replaced by width x height": 1}


@pytest.mark.parametrize("area", [1.0, 23 * 27, 24 * 28, 24.9 * 28.9])
def test_an_area_within_a_box_or_its_rounding_is_kept(tmp_path: Path, area: float) -> None:
    split = read(tmp_path, {"bbox": [65, 19, 23, 27], "area": area})

    assert (split.pictures[0].area[1], split.issues) == (area, ())


def test_the_area_of_a_box_that_is_cut_is_held_against_the_whole_box(tmp_path: Path) -> None:
    split = read(tmp_path, {"bbox": [150, 10, 40, 20], "area": 800})

    assert kinds(split) == {"box cut at the edge of its picture": 1}


@pytest.mark.parametrize(
    "name",
    ["2015-05-16 09:27:00 a.jpg", "a:b.jpg", "c:a.jpg", "a\\b.jpg", "sub/../1.jpg", "./1.jpg"],
)
def test_a_name_with_a_colon_or_a_backslash_is_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "images/sub").mkdir(parents=True)

    split = read(tmp_path, name=name)

    assert (len(split.pictures), split.issues) == (1, ())


@pytest.mark.parametrize("name", ["sub\\1.jpg", ".\\sub\\1.jpg", "sub\\deep\\..\\1.jpg"])
def test_backslashes_are_separators_where_only_that_file_is_there(
    tmp_path: Path, name: str
) -> None:
    split = read(tmp_path, name=name, file="sub/1.jpg")

    assert [picture.file.name for picture in split.pictures] == ["1.jpg"]
    assert kinds(split) == {SLASHES: 1}
    assert split.issues[0].severity == "note"


@pytest.mark.parametrize(
    "name",
    ["..\\1.jpg", "sub\\..\\..\\1.jpg", "C:\\data\\1.jpg", "C:/data/1.jpg", "\\\\host\\1.jpg",
     "a/../../1.jpg", "/data/1.jpg"],
)  # fmt: skip
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leaves the data set's folder"):
        read(tmp_path, name=name, file="other.jpg")


@pytest.mark.parametrize(
    "name", ["C:\\data\\1.jpg", "C:/data/1.jpg", "\\\\host\\1.jpg", "/data/1.jpg"]
)
def test_a_whole_path_of_any_system_is_looked_for_by_its_bare_name(
    tmp_path: Path, name: str
) -> None:
    split = read(tmp_path, name=name, file="1.jpg")

    assert kinds(split) == {"picture found by its bare name: the stated path leaves the folder": 1}


@pytest.mark.parametrize("name", ["09:27 a.jpg", "a\\b.jpg", ".", "sub/..", "c:a.jpg"])
def test_a_name_that_is_not_there_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="picture left out: missing"):
        read(tmp_path, name=name, file="other.jpg")


@pytest.mark.parametrize("listed", ["images\\val\\1.jpg", ".\\images\\val\\1.jpg"])
def test_lists_of_yolo_may_have_backslashes(tmp_path: Path, listed: str) -> None:
    yolo(tmp_path, "val: list.txt\n", listed)

    split = read_split(tmp_path, "val")

    assert len(split.pictures) == 1
    assert kinds(split) == {SLASHES: 1}


def test_a_description_of_yolo_may_have_backslashes(tmp_path: Path) -> None:
    yolo(tmp_path, "val: images\\val\n", "")

    split = read_split(tmp_path, "val")

    assert len(split.pictures) == 1
    assert kinds(split) == {SLASHES: 1}


@pytest.mark.parametrize("path", [".\\\\", "./", "."])
def test_the_path_of_a_description_may_be_its_own_folder(tmp_path: Path, path: str) -> None:
    yolo(tmp_path, f'path: "{path}"\nval: images/val\n', "")

    assert len(read_split(tmp_path, "val").pictures) == 1


@pytest.mark.parametrize(
    "path", ["/content/set", "../datasets/coco128", "C:\\Users\\me\\set", "no"]
)
def test_a_path_of_a_description_that_is_elsewhere_is_told_with_the_way_on(
    tmp_path: Path, path: str
) -> None:
    yolo(tmp_path, f"path: {path}\nval: images/val\n", "")

    with pytest.raises(DataError, match=r"data\.yaml:1: path .* remove `path` where train and val"):
        read_split(tmp_path, "val")


@pytest.mark.parametrize("listed", ["..\\..\\1.jpg", "C:\\data\\1.jpg"])
def test_a_list_of_yolo_that_leaves_the_folder_is_refused(tmp_path: Path, listed: str) -> None:
    yolo(tmp_path, "val: list.txt\n", listed)

    with pytest.raises(DataError, match=r"list\.txt:1: .* leaves the data set's folder"):
        read_split(tmp_path, "val")


def yolo(folder: Path, parts: str, listed: str) -> None:
    for inner in ("images/val", "labels/val"):
        (folder / inner).mkdir(parents=True)
    cv2.imwrite(str(folder / "images/val/1.jpg"), np.full((48, 64, 3), 90, np.uint8))
    (folder / "labels/val/1.txt").write_text("0 0.5 0.5 0.2 0.2")
    (folder / "list.txt").write_text(listed)
    (folder / "data.yaml").write_text(f"{parts}names: [cat]\n")

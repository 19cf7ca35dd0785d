"""Layouts of tools that write a form: where the parts, the pictures and the classes lie."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from suite.datasets.formats import one_part
from suite.datasets.formats.forms import only_part, read_split
from suite.datasets.split import DataError, MissingDataError

BOX = [16, 12, 32, 24]  # of a picture of 64 x 48: the middle quarter
ROW = "1 0.5 0.5 0.5 0.5\n"
NAMES = ("ant", "bee")
SHEET = (
    "<annotation><size><width>64</width><height>48</height></size><object><name>bee</name>"
    "<bndbox><xmin>16</xmin><ymin>12</ymin><xmax>48</xmax><ymax>36</ymax></bndbox></object></annotation>"
)
Lay = Callable[[Path], Any]


def picture(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((48, 64, 3), 90, np.uint8))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def coco(path: Path, *names: str, first: int = 1) -> None:
    rows = [
        {"id": first + n, "file_name": name, "width": 64, "height": 48}
        for n, name in enumerate(names)
    ]
    objects = [
        {"id": row["id"], "image_id": row["id"], "category_id": 1, "bbox": BOX, "iscrowd": 0}
        for row in rows
    ]
    table = [{"id": n, "name": name} for n, name in enumerate(NAMES)]
    write(path, json.dumps({"images": rows, "annotations": objects, "categories": table}))


def roboflow_coco(folder: Path) -> None:
    for part in ("train", "valid"):
        picture(folder / part / "a.jpg", folder / part / "b.jpg")
        coco(folder / part / "_annotations.coco.json", "a.jpg", "b.jpg")


def cvat_coco(folder: Path) -> None:
    for part in ("Train", "Validation"):
        picture(folder / "images" / part / "a.jpg", folder / "images" / part / "b.jpg")
        coco(folder / f"annotations/instances_{part}.json", "a.jpg", "b.jpg")


def cvat_yolo(folder: Path) -> None:
    """YOLO 1.1 of a task with two subsets."""
    write(folder / "obj.names", "ant\nbee\n")
    said = "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
    write(folder / "obj.data", f"{said}backup = backup/\n")
    for part in ("train", "valid"):
        home = f"obj_{part}_data"
        picture(folder / home / "a.jpg", folder / home / "b.jpg")
        for name in ("a", "b"):
            write(folder / home / f"{name}.txt", ROW)
        write(folder / f"{part}.txt", f"data/{home}/a.jpg\ndata/{home}/b.jpg\n")


def as_yolo(folder: Path) -> None:
    """Of supervision: a data.yaml of two keys."""
    write(folder / "data.yaml", "nc: 2\nnames: [ant, bee]\n")
    yolo_parts(folder, "images/{}/{}.jpg", "labels/{}/{}.txt", "val")


def roboflow_yolo(folder: Path) -> None:
    write(folder / "data.yaml", "names: [ant, bee]\n")
    yolo_parts(folder, "{}/images/{}.jpg", "{}/labels/{}.txt", "valid")


def backslashes(folder: Path) -> None:
    yaml = "train: images\\train\nval: val.txt\nnames: [ant, bee]\n"
    write(folder / "data.yaml", yaml)
    write(folder / "val.txt", "images\\val\\a.jpg\n.\\images\\val\\b.jpg\n")
    yolo_parts(folder, "images/{}/{}.jpg", "labels/{}/{}.txt", "val")


def sahi(folder: Path) -> None:
    """Absolute paths, within the folder."""
    write(
        folder / "data.yml",
        f"names: [ant, bee]\nnc: 2\ntrain: {folder}/train\nval: {folder}/val\n",
    )
    yolo_parts(folder, "{}/{}.jpg", "{}/{}.txt", "val")


def yolo_parts(folder: Path, pictures: str, labels: str, val: str) -> None:
    for part in ("train", val):
        for name in ("a", "b"):
            picture(folder / pictures.format(part, name))
            write(folder / labels.format(part, name), ROW)


def roboflow_voc(folder: Path) -> None:
    for part in ("train", "valid"):
        for name in ("a", "b"):
            picture(folder / part / f"{name}.jpg")
            write(folder / part / f"{name}.xml", SHEET)


LAYOUTS: dict[Lay, str] = {
    roboflow_coco: "COCO JSON",
    cvat_coco: "COCO JSON",
    cvat_yolo: "YOLO txt",
    as_yolo: "YOLO txt",
    roboflow_yolo: "YOLO txt",
    backslashes: "YOLO txt",
    sahi: "YOLO txt",
    roboflow_voc: "Pascal VOC",
}


@pytest.mark.parametrize("lay", LAYOUTS)
@pytest.mark.parametrize("part", ["train", "val"])
def test_a_layout_of_two_parts_is_read(tmp_path: Path, lay: Lay, part: Any) -> None:
    lay(tmp_path)

    split = read_split(tmp_path, part)

    warned = [issue for issue in split.issues if issue.severity == "warning"]
    assert (split.form, warned) == (LAYOUTS[lay], [])
    assert [p.boxes.tolist() for p in split.pictures] == [[BOX], [BOX]]
    labels = {split.categories[label].name for p in split.pictures for label in p.labels}
    assert labels == {"bee"}


@pytest.mark.parametrize("lay", LAYOUTS)
def test_what_has_two_parts_is_not_split(tmp_path: Path, lay: Lay) -> None:
    lay(tmp_path)

    with pytest.raises(DataError, match="has parts of its own"):
        only_part(tmp_path)


def label_studio_coco(folder: Path) -> None:
    """Paths lead out of the export, to where the pictures were uploaded."""
    coco(folder / "result.json", *(f"../../upload/1/{n}.jpg" for n in range(5)))
    picture(*(folder / f"images/{n}.jpg" for n in range(5)))


def label_studio_yolo(folder: Path) -> None:
    write(folder / "classes.txt", "ant\nbee\n")
    write(folder / "notes.json", "{}")
    for n in range(5):
        picture(folder / f"images/{n}.jpg")
        write(folder / f"labels/{n}.txt", ROW)


def label_studio_voc(folder: Path) -> None:
    """An empty picture has no sheet: the last."""
    picture(*(folder / f"images/{n}.jpg" for n in range(5)))
    for n in range(4):
        write(folder / f"Annotations/{n}.xml", SHEET)


def cvat_coco_default(folder: Path) -> None:
    picture(*(folder / f"images/default/deep/{n}.jpg" for n in range(5)))
    coco(folder / "annotations/instances_default.json", *(f"deep/{n}.jpg" for n in range(5)))


def cvat_yolo_train(folder: Path) -> None:
    cvat_yolo(folder)
    text = (folder / "obj.data").read_text()
    write(folder / "obj.data", text.replace("valid = data/valid.txt\n", ""))
    for n in range(3):
        picture(folder / f"obj_train_data/{n}.jpg")
        write(folder / f"obj_train_data/{n}.txt", ROW)
    names = "".join(f"data/obj_train_data/{name}.jpg\n" for name in ("a", "b", 0, 1, 2))
    write(folder / "train.txt", names)


def cvat_voc_default(folder: Path) -> None:
    write(folder / "ImageSets/Main/default.txt", "".join(f"deep/{n}\n" for n in range(5)))
    for n in range(5):
        picture(folder / f"JPEGImages/deep/{n}.jpg")
        write(folder / f"Annotations/deep/{n}.xml", SHEET)


def voc_of_one_list(folder: Path) -> None:
    """What the only list does not name is no part of the set."""
    cvat_voc_default(folder)
    (folder / "ImageSets/Main/default.txt").rename(folder / "ImageSets/Main/train.txt")
    picture(folder / "JPEGImages/other.jpg")


def flat_voc(folder: Path) -> None:
    for n in range(5):
        picture(folder / f"{n}.jpg")
        write(folder / f"{n}.xml", SHEET)


def roboflow_of_one_part(folder: Path) -> None:
    roboflow_coco(folder)
    shutil.rmtree(folder / "valid")
    picture(*(folder / f"train/{n}.jpg" for n in range(3)))
    coco(folder / "train/_annotations.coco.json", "a.jpg", "b.jpg", *(f"{n}.jpg" for n in range(3)))


ONE_PART: tuple[Lay, ...] = (
    label_studio_coco,
    label_studio_yolo,
    label_studio_voc,
    cvat_coco_default,
    cvat_yolo_train,
    cvat_voc_default,
    voc_of_one_list,
    flat_voc,
    roboflow_of_one_part,
)
LOST: dict[Lay, set[str]] = {
    label_studio_coco: {"picture found by its bare name: the stated path leaves the folder"},
    label_studio_voc: {"picture without a sheet, taken for one without objects"},
}


@pytest.mark.parametrize("lay", ONE_PART)
def test_a_set_in_one_part_is_read_by_its_lists(tmp_path: Path, lay: Lay) -> None:
    """Two parts of it have all five pictures, none twice, and all that was drawn in them."""
    lay(tmp_path)
    everything = only_part(tmp_path)
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())

    one_part.write_lists(tmp_path, one_part.divided(everything, 0.4, seed=0))
    parts = [read_split(tmp_path, part) for part in one_part.PARTS]

    assert [len(split.pictures) for split in parts] == [3, 2]
    files = [p.file.relative_to(tmp_path).as_posix() for split in parts for p in split.pictures]
    assert sorted(files) == list(everything)
    found = [p.boxes.tolist() for split in parts for p in split.pictures if len(p.boxes)]
    assert found == [[BOX]] * (4 if lay is label_studio_voc else 5)
    lists = [tmp_path / "split_train.txt", tmp_path / "split_val.txt"]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        [*before, *lists]
    )


def test_what_is_told_of_a_picture_is_told_in_its_own_part_alone(tmp_path: Path) -> None:
    label_studio_coco(tmp_path)
    one_part.write_lists(tmp_path, one_part.divided(only_part(tmp_path), 0.4, seed=0))

    parts = [read_split(tmp_path, part) for part in one_part.PARTS]

    assert [sum(issue.count for issue in split.issues) for split in parts] == [3, 2]


@pytest.mark.parametrize("lay", ONE_PART)
def test_only_what_a_layout_lacks_is_told(tmp_path: Path, lay: Lay) -> None:
    lay(tmp_path)
    one_part.write_lists(tmp_path, one_part.divided(only_part(tmp_path), 0.4, seed=0))

    told = {issue.kind for part in one_part.PARTS for issue in read_split(tmp_path, part).issues}

    assert told == LOST.get(lay, set())


@pytest.mark.parametrize("lay", ONE_PART)
def test_a_set_in_one_part_is_no_data_until_it_is_split_and_the_message_says_how(
    tmp_path: Path, lay: Lay
) -> None:
    lay(tmp_path)

    with pytest.raises(MissingDataError, match=rf"`data split {tmp_path}` makes two of it"):
        read_split(tmp_path, "val")


def test_a_list_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    label_studio_yolo(tmp_path)
    for part in one_part.PARTS:
        write(tmp_path / f"split_{part}.txt", "../secret.jpg\n")

    with pytest.raises(DataError, match=r"split_val\.txt:1: '\.\./secret\.jpg' leaves"):
        read_split(tmp_path, "val")


@pytest.mark.parametrize(
    ("count", "share", "val"),
    [(10, 0.2, 2), (10, 0.01, 1), (10, 0.99, 9), (2, 0.2, 1), (7, 0.5, 4)],
)
def test_each_part_has_its_share_and_one_picture_at_least(
    count: int, share: float, val: int
) -> None:
    names = [f"{n}.jpg" for n in range(count)]

    parts = one_part.divided(names, share, seed=3)

    assert len(parts["val"]) == val
    assert sorted(parts["train"] + parts["val"]) == sorted(names)
    assert parts == one_part.divided(names, share, seed=3)


def test_another_seed_is_another_division() -> None:
    names = [f"{n}.jpg" for n in range(100)]

    assert len({tuple(one_part.divided(names, 0.5, seed)["val"]) for seed in range(5)}) == 5


def test_one_picture_is_not_divided() -> None:
    with pytest.raises(DataError, match="two parts need two at least"):
        one_part.divided(["a.jpg"], 0.2, 0)


@pytest.mark.parametrize(
    ("stated", "lies"),
    [
        ("2015-05-16 09:27:00 a.jpg", "images/2015-05-16 09:27:00 a.jpg"),
        ("a:b.jpg", "images/a:b.jpg"),
        ("a\\b.jpg", "images/a\\b.jpg"),
    ],
)
def test_a_name_with_colons_or_backslashes_is_a_name(
    tmp_path: Path, stated: str, lies: str
) -> None:
    picture(tmp_path / lies)
    for part in ("train", "val"):
        coco(tmp_path / f"instances_{part}.json", stated)

    split = read_split(tmp_path, "val")

    assert (len(split.pictures), split.issues) == (1, ())


@pytest.mark.parametrize("stated", ["..\\..\\secret.jpg", "C:\\a.jpg", "\\\\server\\a.jpg"])
def test_a_path_of_another_system_does_not_lead_out(tmp_path: Path, stated: str) -> None:
    coco(tmp_path / "instances_val.json", stated)

    with pytest.raises(DataError, match="leaves the data set's folder"):
        read_split(tmp_path, "val")

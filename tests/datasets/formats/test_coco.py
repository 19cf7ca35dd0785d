import contextlib
import io
import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from suite.datasets.formats.forms import check_same_categories, read_split
from suite.datasets.split import DataError, Split

SHARED = Path(os.environ.get("ABLATION_SHARED", Path(__file__).parents[4] / "shared")) / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="ABLATION_SHARED names no folder with real data sets"
)

Content = dict[str, Any]
Write = Callable[[Content], Path]


def picture(number: int | str, **fields: Any) -> Content:
    return {"id": number, "file_name": f"{number}.jpg", "width": 64, "height": 48, **fields}


def annotation(number: int, **fields: Any) -> Content:
    box = {"image_id": 1, "category_id": 7, "bbox": [10, 10, 20, 20], "area": 300, "iscrowd": 0}
    return {"id": number, **box, **fields}


def content(*annotations: Content) -> Content:
    categories = [{"id": 7, "name": "cat"}, {"id": 90, "name": "brush"}]
    return {"categories": categories, "images": [picture(1)], "annotations": list(annotations)}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a validation part with a picture for each of its rows."""

    def write_content(content: Content) -> Path:
        (tmp_path / "images").mkdir(exist_ok=True)
        names = [str(row["file_name"]) for row in content["images"] if isinstance(row, dict)]
        for name in names:
            if len(name) < 99 and name.count(".") == 1 and not set(name) & set("/\\"):
                cv2.imwrite(str(tmp_path / "images" / name), np.full((48, 64, 3), 90, np.uint8))
        (tmp_path / "instances_val.json").write_text(json.dumps(content))
        return tmp_path

    return write_content


def kinds(split: Split) -> dict[str, int]:
    return {issue.kind: issue.count for issue in split.issues}


def perfect_detections(split: Split) -> list[Content]:
    """Every object of the annotation file, found exactly."""
    return [
        {key: row[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.9}
        for row in split.annotations["annotations"]
        if not row["iscrowd"]
    ]


def average_precision(split: Split, detections: list[Content]) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = split.annotations
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(detections), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[0])


def test_class_indices_follow_the_files_own_category_ids(write: Write) -> None:
    split = read_split(
        write(content(annotation(1, category_id=90), annotation(2, category_id=7))), "val"
    )

    assert [category.name for category in split.categories] == ["cat", "brush"]
    assert split.pictures[0].labels.tolist() == [1, 0]


def test_categories_of_one_name_are_told_apart_by_their_ids(write: Write) -> None:
    """Some exporters put the name of the set first, as a category of its own."""
    found = content(annotation(1, category_id=90), annotation(2, category_id=7))
    found["categories"] = [{"id": number, "name": "cat"} for number in (7, 90)]

    split = read_split(write(found), "val")

    assert [category.name for category in split.categories] == ["cat (7)", "cat (90)"]
    assert split.pictures[0].labels.tolist() == [1, 0]
    assert split.issues[0].examples == ("cat: 7 and 90",)


def test_image_id_0_is_an_ordinary_id(write: Write) -> None:
    found = content(annotation(1, image_id=0))
    found["images"] = [picture(0)]

    split = read_split(write(found), "val")

    assert (split.pictures[0].id, len(split.pictures[0].boxes), split.issues) == (0, 1, ())


def test_pictures_without_objects_are_kept(write: Write) -> None:
    found = content(annotation(1))
    found["images"].append(picture(2))

    split = read_split(write(found), "val")

    assert [len(p.boxes) for p in split.pictures] == [1, 0]
    assert split.pictures[1].boxes.shape == (0, 4)


def test_crowd_regions_are_kept_and_marked(write: Write) -> None:
    run_lengths = {"counts": [0, 9], "size": [48, 64]}
    crowd = annotation(2, iscrowd=1, segmentation=run_lengths)

    split = read_split(
        write(content(annotation(1, segmentation=[[10, 10, 30, 10, 30, 30]]), crowd)), "val"
    )

    assert split.pictures[0].crowd.tolist() == [False, True]
    assert [row["iscrowd"] for row in split.annotations["annotations"]] == [0, 1]


def test_a_missing_area_is_that_of_the_box(write: Write) -> None:
    row = annotation(1)
    del row["area"], row["iscrowd"]

    split = read_split(write(content(row)), "val")

    assert split.pictures[0].area.tolist() == [400.0]
    assert not split.pictures[0].crowd.any()


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"bbox": [5, 5, 0, 9]}, "annotation left out: box has no size"),
        ({"bbox": [5, 5, -3, 9]}, "annotation left out: box has no size"),
        ({"bbox": [5, 5, math.nan, 9]}, "annotation left out: box is not finite"),
        ({"bbox": [5, 5, math.inf, 9]}, "annotation left out: box is not finite"),
        ({"bbox": [10**400, 5, 9, 9]}, "annotation left out: box is not finite"),
        ({"bbox": [70, 5, 9, 9]}, "annotation left out: box outside its picture"),
        ({"bbox": [5, 5, 9]}, "annotation left out: no box of four numbers"),
        ({"bbox": ["5", 5, 9, 9]}, "annotation left out: no box of four numbers"),
        ({"bbox": None}, "annotation left out: no box of four numbers"),
        ({"image_id": 5}, "annotation left out: unknown image_id"),
        ({"image_id": [1]}, "annotation left out: unknown image_id"),
        ({"category_id": 8}, "annotation left out: unknown category_id"),
    ],
)
def test_an_unusable_annotation_is_left_out_and_counted(
    write: Write, fields: Content, kind: str
) -> None:
    split = read_split(write(content(annotation(1), annotation(2, **fields))), "val")

    assert split.box_count == 1
    assert kinds(split) == {kind: 1}
    assert "annotation 2" in split.issues[0].examples[0]


def test_a_box_over_the_edge_is_cut_and_counted(write: Write) -> None:
    split = read_split(write(content(annotation(1, bbox=[50, -4, 30, 20]))), "val")

    assert split.pictures[0].boxes.tolist() == [[50, 0, 14, 16]]
    assert kinds(split) == {"box cut at the edge of its picture": 1}


def test_a_box_rounded_over_the_edge_stays_as_it_is(write: Write) -> None:
    split = read_split(write(content(annotation(1, bbox=[50, 30, 14.4, 18.2]))), "val")

    assert split.pictures[0].boxes.tolist() == [[50, 30, 14.4, 18.2]]
    assert split.issues == ()


@pytest.mark.parametrize("numbers", [(0, 1), (3, 3)], ids=["id 0", "an id used twice"])
def test_annotation_ids_that_spoil_pycocotools_are_given_anew(
    write: Write, numbers: tuple[int, int]
) -> None:
    rows = [
        annotation(number, bbox=[8 + 20 * place, 8, 16, 16]) for place, number in enumerate(numbers)
    ]

    split = read_split(write(content(*rows)), "val")

    assert [row["id"] for row in split.annotations["annotations"]] == [1, 2]
    assert sum(kinds(split).values()) == 1
    assert average_precision(split, perfect_detections(split)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": [picture(1), picture(1)]}, "images has the id 1 twice"),
        (
            {"categories": [{"id": 7, "name": "a"}, {"id": 7, "name": "b"}]},
            "categories has the id 7 twice",
        ),
        ({"categories": []}, "table of categories is empty"),
        ({"categories": None}, "no list of objects 'categories'"),
        ({"annotations": {}}, "no list of objects 'annotations'"),
        ({"images": [1]}, "no list of objects 'images'"),
        ({"images": [picture("1")]}, "id '1'; it must be a whole number"),
        ({"images": [picture(1, width=0)]}, "width 0; it must be at least 1"),
        ({"images": [picture(1, file_name="../secret.jpg")]}, "leaves the data set's folder"),
        ({"images": [picture(1, file_name="/elsewhere/1.jpg")]}, "leaves the data set's folder"),
        ({"images": [picture(1, file_name="C:\\a.jpg")]}, "leaves the data set's folder"),
        ({"images": [picture(1, file_name=None)]}, "has no file_name"),
        ({"images": [picture(1, file_name="a" * 300)]}, "no file can be called 'aaa"),
        ({"images": [picture(1, file_name="\ud800")]}, "no file can be called '"),
        ({"images": [picture(1, file_name="a\0b")]}, "no file can be called 'a"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    write: Write, change: Content, message: str
) -> None:
    folder = write({**content(annotation(1)), **change})

    with pytest.raises(DataError) as caught:
        read_split(folder, "val")

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2]", "[" * 100_000], ids=["empty", "half", "a list", "deep"]
)
def test_a_file_that_is_no_coco_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "instances_val.json").write_text(text)

    with pytest.raises(DataError, match=r"instances_val\.json"):
        read_split(tmp_path, "val")


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"should be instances_train.json or annotations/instances_train2017.json"
    ):
        read_split(tmp_path, "train")


def damage(folder: Path, name: str, how: str) -> None:
    path = folder / "images" / name
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        halves = {
            "truncated": data[: len(data) // 2],
            "empty": b"",
            "not a picture": b"<html>not found</html>",
        }
        path.write_bytes(halves[how])


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp"])
@pytest.mark.parametrize("how", ["missing", "truncated", "empty", "not a picture"])
def test_an_unusable_picture_is_left_out_with_its_boxes(
    write: Write, how: str, suffix: str
) -> None:
    found = content(annotation(1), annotation(2, image_id=2))
    found["images"].append(picture(2, file_name=f"2.{suffix}"))
    folder = write(found)
    damage(folder, f"2.{suffix}", how)

    split = read_split(folder, "val")

    assert kinds(split) == {f"picture left out: {how}": 1}
    assert f"2.{suffix}" in split.issues[0].examples[0]
    assert [row["image_id"] for row in split.annotations["annotations"]] == [1]


def test_a_picture_of_another_size_than_stated_is_left_out(write: Write) -> None:
    found = content(annotation(1))
    found["images"].append(picture(2, width=640, height=480))

    split = read_split(write(found), "val")

    assert kinds(split) == {"picture left out: other size than stated": 1}


def test_a_set_without_a_usable_picture_is_refused(write: Write) -> None:
    folder = write(content(annotation(1)))
    damage(folder, "1.jpg", "missing")

    with pytest.raises(DataError, match=r"none of its 1 pictures .*missing.*1\.jpg"):
        read_split(folder, "val")


def test_training_data_without_an_object_are_refused(write: Write) -> None:
    folder = write(content(annotation(1, iscrowd=1)))
    (folder / "instances_val.json").rename(folder / "instances_train.json")

    with pytest.raises(DataError, match="no object is left to train on"):
        read_split(folder, "train")


@pytest.mark.parametrize("images", ["images/val", "val2017", "images", "images/val2017", "val"])
@pytest.mark.parametrize(
    "file", ["instances_val.json", "annotations/instances_val2017.json", "annotations/val.json"]
)
def test_the_usual_layouts_are_found(write: Write, tmp_path: Path, images: str, file: str) -> None:
    source = write(content(annotation(1)))
    target = tmp_path / "laid out"
    (target / file).parent.mkdir(parents=True)
    shutil.copy(source / "instances_val.json", target / file)
    shutil.copytree(source / "images", target / images)

    assert len(read_split(target, "val").pictures) == 1


def test_the_fingerprint_ignores_the_files_form_and_order(write: Write) -> None:
    found = content(annotation(1), annotation(2, image_id=2))
    found["images"].append(picture(2))
    before = read_split(write(found), "val").fingerprint

    found["images"].reverse()
    found["info"] = {"description": "the same again"}
    folder = write(found)
    (folder / "instances_val.json").write_text(json.dumps(found, indent=3))

    assert read_split(folder, "val").fingerprint == before


@pytest.mark.parametrize("change", ["box", "label", "crowd", "name", "pixel"])
def test_the_fingerprint_changes_with_what_matters(write: Write, change: str) -> None:
    found = content(annotation(1), annotation(2))
    before = read_split(write(found), "val").fingerprint

    row = found["annotations"][0]
    row.update(
        {
            "box": {"bbox": [10, 10, 20, 20.5]},
            "label": {"category_id": 90},
            "crowd": {"iscrowd": 1},
        }.get(change, {})
    )
    if change == "name":
        found["categories"][0]["name"] = "dog"
    folder = write(found)
    if change == "pixel":
        cv2.imwrite(str(folder / "images/1.jpg"), np.full((48, 64, 3), 91, np.uint8))

    assert read_split(folder, "val").fingerprint != before


def test_parts_with_different_categories_are_refused(write: Write) -> None:
    found = content(annotation(1))
    folder = write(found)
    train = read_split(folder, "val")
    found["categories"][1]["name"] = "comb"

    with pytest.raises(DataError, match="90 brush, 90 comb"):
        check_same_categories(train, read_split(write(found), "val"))


@needs_shared
@pytest.mark.parametrize(
    ("name", "part", "pictures", "boxes", "crowds", "empty", "categories"),
    [
        ("bccd", "train", 205, 2804, 0, 0, 3),
        ("bccd", "val", 87, 1137, 0, 0, 3),
        ("coco_ccby", "train", 45, 358, 5, 1, 80),
        ("coco_ccby", "val", 40, 391, 6, 2, 80),
    ],
)
def test_real_sets_have_the_counts_of_their_readmes(
    name, part, pictures, boxes, crowds, empty, categories
) -> None:
    split = read_split(SHARED / name, part)

    assert (len(split.pictures), split.box_count, len(split.categories)) == (
        pictures,
        boxes,
        categories,
    )
    assert sum(int(picture.crowd.sum()) for picture in split.pictures) == crowds
    assert sum(not len(picture.boxes) for picture in split.pictures) == empty
    assert split.issues == ()


@needs_shared
def test_bccd_has_the_sizes_of_its_readme() -> None:
    area = np.concatenate(
        [picture.area for picture in read_split(SHARED / "bccd", "train").pictures]
    )

    small, large = int((area < 32**2).sum()), int((area >= 96**2).sum())
    assert (small, len(area) - small - large, large) == (23, 855, 1926)


@needs_shared
@pytest.mark.parametrize("name", ["bccd", "coco_ccby"])
def test_perfect_detections_of_a_real_set_score_1(name: str) -> None:
    split = read_split(SHARED / name, "val")

    assert average_precision(split, perfect_detections(split)) == pytest.approx(1.0)


@needs_shared
def test_category_ids_with_gaps_become_adjacent_indices() -> None:
    golden = json.loads((Path(__file__).parents[2] / "golden/yolov5/ops.json").read_text())

    split = read_split(SHARED / "coco_ccby", "val")

    assert [category.id for category in split.categories] == golden["coco80_to_coco91"]

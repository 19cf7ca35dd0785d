"""`eval --detections`: pictures that are not there, and classes that another tool numbered."""

import json
from pathlib import Path
from typing import Any

import pytest

from suite.cli.main import main
from suite.datasets.split import Category, Split
from tests.datasets.made_pictures import made_picture
from tests.datasets.written_forms import write_coco, write_voc, write_yolo

WRITERS = {"YOLO txt": write_yolo, "Pascal VOC": write_voc}
NAMES = ("ant", "bee", "cat")
BOX: list[float] = [8, 4, 20, 12]


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Split]:
    """Three pictures to evaluate on, of one object of each class."""
    made = tmp_path / "made"
    made.mkdir()
    pictures = [made_picture(made, n, (64, 48), [BOX], labels=[n % 3]) for n in (30, 31, 32, 33)]
    categories = tuple(Category(number, name) for number, name in enumerate(NAMES, start=1))
    members = {"val": tuple(pictures[:3]), "train": tuple(pictures[3:])}
    return {part: Split("made", made, part, categories, p, (), "") for part, p in members.items()}


def results(first: int = 1, without: int | None = None) -> list[dict[str, Any]]:
    """Every object found exactly; classes count from `first`, and one of them may be lacking."""
    return [
        {"image_id": 30 + n, "category_id": n + first, "bbox": BOX, "score": 0.9}
        for n in range(3)
        if n != without
    ]


def scored(folder: Path, rows: list, capsys, *options: str) -> tuple[Any, str]:
    file = folder.parent / "d.json"
    file.write_text(json.dumps(rows))
    code = main(["eval", "--detections", str(file), "--data", str(folder), "--json", *options])
    out, err = capsys.readouterr()
    return (json.loads(out)["data"]["numbers"]["ap"] if code == 0 else code), err


@pytest.mark.parametrize("gone", [("31",), ("30", "31", "32")], ids=["one", "all"])
def test_scoring_needs_no_pictures_where_sizes_are_stated(tmp_path, parts, capsys, gone) -> None:
    folder = write_coco(tmp_path / "set", parts)
    for stem in gone:
        (folder / f"images/val/{stem}.png").unlink()

    ap, err = scored(folder, results(), capsys)

    assert ap == pytest.approx(1.0)
    assert f"picture taken by its stated size: missing: {len(gone)}" in err


def test_detections_of_a_picture_that_was_left_out_are_told_and_not_scored(
    tmp_path, parts, capsys
) -> None:
    """YOLO's form states no sizes, without which its shares are no boxes."""
    folder = write_yolo(tmp_path / "set", parts)
    names = "".join(f"images/val/{n}.png\n" for n in (30, 31, 32))
    (folder / "val.txt").write_text(names)
    text = (folder / "data.yaml").read_text()
    (folder / "data.yaml").write_text(text.replace("val: images/val", "val: val.txt"))
    (folder / "images/val/31.png").unlink()

    ap, err = scored(folder, results(), capsys)

    assert ap == pytest.approx(1.0)
    assert "1 detections of 1 pictures that were left out are not scored (31)" in err


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (results(1), ""),
        (results(0), "count from 0, here from 1"),
        (results(0, without=2), "count from 0, here from 1"),
        (results(1, without=0), ""),
    ],
    ids=["from 1", "from 0", "from 0 without the last", "from 1 without the first"],
)
def test_class_0_or_class_n_decides_from_where_classes_count(
    tmp_path, parts, capsys, form, rows, said
) -> None:
    ap, err = scored(WRITERS[form](tmp_path / "set", parts), rows, capsys)

    assert ap == pytest.approx(len(rows) / 3)
    assert said in err


def test_where_neither_occurs_it_is_told_and_can_be_said(tmp_path, parts, capsys) -> None:
    """Of classes counted from 0 the first is not found: 1 and 2 are the second and the third."""
    folder = write_yolo(tmp_path / "set", parts)
    rows = [row for row in results(0) if row["category_id"] == 1]

    taken, err = scored(folder, rows, capsys)
    asked, quiet = scored(folder, rows, capsys, "--first-class", "0")

    assert (taken, asked) == (pytest.approx(0.0), pytest.approx(1 / 3))
    assert "neither 0 nor 3 occurs" in err
    assert "neither" not in quiet


@pytest.mark.parametrize(
    ("category", "said"),
    [(7, "of category 7; YOLO txt has no ids"), (0, "of category 0; YOLO txt has no ids")],
)
def test_a_number_of_no_class_is_refused(tmp_path, parts, capsys, category, said) -> None:
    rows = [*results(1), {**results()[0], "category_id": category}]

    code, err = scored(write_yolo(tmp_path / "set", parts), rows, capsys)

    assert code == 2
    assert said in err


def test_ids_of_a_coco_file_are_taken_as_they_stand(tmp_path, parts, capsys) -> None:
    folder = write_coco(tmp_path / "set", parts)

    assert scored(folder, results(0), capsys)[0] == 2
    assert scored(folder, results(1), capsys, "--first-class", "1")[0] == 2


def test_a_picture_may_be_called_by_its_name(tmp_path, parts, capsys) -> None:
    """As YOLOv5 does where names are no numbers."""
    folder = write_yolo(tmp_path / "set", parts)
    for stem in ("30", "31", "32"):
        (folder / f"images/val/{stem}.png").rename(folder / f"images/val/frame_{stem}_a.png")
        (folder / f"labels/val/{stem}.txt").rename(folder / f"labels/val/frame_{stem}_a.txt")
    rows = [{**row, "image_id": f"frame_{row['image_id']}_a"} for row in results()]

    assert scored(folder, rows, capsys)[0] == pytest.approx(1.0)


def test_stored_detections_are_not_overwritten(tmp_path, parts, capsys) -> None:
    folder = write_coco(tmp_path / "set", parts)
    file = tmp_path / "detections.json.gz"
    file.write_text(json.dumps(results()))

    code = main(["eval", "--detections", str(file), "--data", str(folder), "--out", str(tmp_path)])

    assert code == 2
    assert "would overwrite" in capsys.readouterr().err
    assert json.loads(file.read_text()) == results()


def test_what_other_evaluators_count_otherwise_is_told(tmp_path, parts, capsys) -> None:
    """A crowd, a class without objects, and an annotation of id 0, which pycocotools takes for no match."""
    folder = write_coco(tmp_path / "set", parts)
    for part in ("train", "val"):
        path = folder / f"instances_{part}.json"
        content = json.loads(path.read_text())
        content["categories"].append({"id": 4, "name": "dog"})
        content["annotations"][0]["id"] = 0
        crowd = {**content["annotations"][0], "id": 99, "bbox": [40, 30, 9, 9], "iscrowd": 1}
        content["annotations"].append(crowd)
        path.write_text(json.dumps(content))
    (tmp_path / "d.json").write_text(json.dumps(results()))

    code = main(["eval", "--detections", str(tmp_path / "d.json"), "--data", str(folder)])

    err = capsys.readouterr().err
    assert code == 0
    assert (
        "to the last bit; on the file itself it would give less: 1 annotations have the id 0" in err
    )
    assert "1 crowd regions are ignored" in err
    assert (
        "1 of 4 classes have no object and no AP; an evaluator that counts 0 for them gives 3/4"
        in err
    )


def test_of_ordinary_data_nothing_is_counted_otherwise(tmp_path, parts, capsys) -> None:
    (tmp_path / "d.json").write_text(json.dumps(results()))
    folder = write_coco(tmp_path / "set", parts)

    main(["eval", "--detections", str(tmp_path / "d.json"), "--data", str(folder)])

    last = capsys.readouterr().err.splitlines()[-2:]
    assert last[0].startswith("the twelve numbers equal those of pycocotools")
    assert last[0].endswith("to the last bit")
    assert "Numbers you may know" in last[1]


def test_detections_of_classes_without_objects_and_none_of_those_with_are_told(
    tmp_path, parts, capsys
) -> None:
    """Ids of a table without the first category: each means the one before."""
    categories = (*parts["val"].categories, Category(4, "dog"))
    told = {part: Split("made", split.folder, part, categories, split.pictures, (), "")
            for part, split in parts.items()}  # fmt: skip
    folder = write_coco(tmp_path / "set", told)

    ap, err = scored(folder, results(2), capsys)

    assert ap == pytest.approx(0.0)
    assert "no detection of ant, of which there are objects, but some of dog" in err

import base64
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.formats.forms import read_split
from suite.datasets.split import DataError, Issue, Reading
from suite.datasets.survey.counts import survey
from suite.datasets.survey.facts import counted_from_1, facts, fingerprint, gallery
from tests.datasets.made_pictures import made_picture, made_split
from tests.narrowing import opened


def test_facts_count_pictures_boxes_and_what_was_left_out(tmp_path: Path) -> None:
    full = made_picture(tmp_path, 1, (64, 48), [[4, 4, 8, 8], [20, 20, 9, 9]], crowd=[False, True])
    train = replace(
        made_split(tmp_path, full),
        issues=(Issue("picture left out: missing", 2, ("a.jpg", "b.jpg")),),
    )
    val = made_split(tmp_path, full, made_picture(tmp_path, 2, (64, 48), []))

    found = facts(train, val)

    assert found["categories"] == ["cat", "dog"]
    assert found["train"] == {
        "images": 1,
        "boxes": 2,
        "crowds": 1,
        "empty": 0,
        "skipped": [
            {"kind": "picture left out: missing", "count": 2, "examples": ["a.jpg", "b.jpg"]}
        ],
    }
    assert found["val"] == {"images": 2, "boxes": 2, "crowds": 1, "empty": 1, "skipped": []}


def test_facts_are_plain_json(tmp_path: Path) -> None:
    split = made_split(tmp_path, made_picture(tmp_path, 1, (64, 48), [[4, 4, 8, 8]]))

    assert json.loads(json.dumps(facts(split, split), allow_nan=False)) == facts(split, split)


def test_gallery_boxes_are_in_the_gallery_pictures_pixels(tmp_path: Path) -> None:
    split = made_split(
        tmp_path, made_picture(tmp_path, 1, (640, 320), [[100, 40, 200, 60]], labels=[1])
    )

    (shown,) = opened(facts(split, split)["gallery"])

    jpeg = np.frombuffer(base64.b64decode(shown["jpeg"]), np.uint8)
    image = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
    assert image.shape[:2] == (shown["height"], shown["width"]) == (160, 320)
    assert shown["truth"] == [[50, 20, 100, 30, 1]]
    white = opened((image > 150).all(axis=2))
    assert white[20:50, 50:150].mean() > 0.95
    assert white.sum() < 1.1 * 100 * 30


def test_the_gallery_spreads_over_the_pictures_with_objects(tmp_path: Path) -> None:
    pictures = [
        made_picture(tmp_path, n, (32, 32), [[4, 4, 8, 8]] if n % 2 else []) for n in range(40)
    ]

    shown = gallery(made_split(tmp_path, *pictures))

    assert [picture.id for picture in shown] == [1, 5, 11, 15, 21, 25, 31, 35]


def test_a_set_without_objects_still_has_a_gallery(tmp_path: Path) -> None:
    assert len(gallery(made_split(tmp_path, made_picture(tmp_path, 1, (32, 32), [])))) == 1


def test_parts_with_different_categories_have_no_facts(tmp_path: Path) -> None:
    picture = made_picture(tmp_path, 1, (64, 48), [[4, 4, 8, 8]])

    with pytest.raises(DataError, match="different categories"):
        facts(made_split(tmp_path, picture), made_split(tmp_path, picture, names=("cat", "bird")))


def test_the_fingerprint_is_of_both_parts(tmp_path: Path) -> None:
    train = made_split(tmp_path, made_picture(tmp_path, 1, (64, 48), [[4, 4, 8, 8]]))
    val = replace(train, fingerprint="0" * 64)

    assert len({fingerprint(train, train), fingerprint(train, val), fingerprint(val, train)}) == 3


@pytest.mark.parametrize(
    ("rows", "told"),
    [("1 0.5 0.5 0.2 0.2\n", True), ("0 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.2 0.2\n", False)],
    ids=["only the second", "both"],
)
def test_a_yolo_set_without_an_object_of_class_0_may_count_from_1(
    tmp_path: Path, rows: str, told: bool
) -> None:
    """As sahi writes the ids of a COCO file: every object is under the name of the class after its own."""
    for part in ("train", "val"):
        for kind in ("images", "labels"):
            (tmp_path / kind / part).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / f"images/{part}/1.jpg"), np.full((48, 64, 3), 90, np.uint8))
        (tmp_path / f"labels/{part}/1.txt").write_text(rows)
    (tmp_path / "data.yml").write_text("train: images/train\nval: images/val\nnames: [cat, dog]\n")
    val = read_split(tmp_path, "val", Reading(labelled=False))

    found = survey(val, val, pictures=False)

    kind = "no object of class 0 in either part: do the labels count from 1?"
    assert [f.examples for f in found.findings if f.kind == kind] == ([("cat",)] if told else [])
    assert [issue.kind for issue in counted_from_1(val, val)] == ([kind] if told else [])


def test_other_forms_have_numbers_of_their_own(tmp_path: Path) -> None:
    split = made_split(tmp_path, made_picture(tmp_path, 1, (64, 48), [[4, 4, 9, 9]], labels=[1]))

    assert counted_from_1(split, split) == ()

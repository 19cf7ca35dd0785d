"""Ids of a COCO file are names: however large they are, and whether they are written as floats."""

import gzip
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from suite.cli.main import main
from suite.datasets.formats.forms import read_split
from suite.datasets.split import DataError, Split
from suite.metrics.accuracy.assess import assess, results_of
from suite.metrics.accuracy.coco_match import from_results, truth_of
from suite.nn.detector import build
from suite.nn.weights.checkpoint import save_checkpoint
from suite.spec.library import Library
from suite.stats.matches import load, save

BEYOND_64 = (2**127 + 5, 2**70, 2**90 + 1)
MIXED = (2**63 + 1, 1, -7)
LARGE = (2**63 - 1, -(2**63), 2**53 + 1)


def content(pictures: tuple[Any, ...], category: Any = 7) -> dict[str, Any]:
    """A picture and a box an id; the boxes differ."""
    return {
        "categories": [{"id": category, "name": "cat"}, {"id": 90, "name": "brush"}],
        "images": [
            {"id": number, "file_name": f"{place}.png", "width": 64, "height": 48}
            for place, number in enumerate(pictures)
        ],
        "annotations": [
            {"id": place + 1, "image_id": number, "category_id": category, "bbox": [4 + place, 8, 20, 20]}
            for place, number in enumerate(pictures)
        ],
    }  # fmt: skip


def write(folder: Path, found: dict[str, Any]) -> Path:
    (folder / "images").mkdir()
    for row in found["images"]:
        image = np.full((48, 64, 3), 90, np.uint8)
        cv2.imwrite(str(folder / "images" / row["file_name"]), image)
    (folder / "instances_val.json").write_text(json.dumps(found))
    return folder


def perfect(split: Split) -> list[dict[str, Any]]:
    """Every object found, as a file of detections has it."""
    return [
        {
            "image_id": picture.own_id,
            "category_id": split.categories[label].own_id,
            "bbox": box.tolist(),
            "score": 0.9,
        }
        for picture in split.pictures
        for box, label in zip(picture.boxes, picture.labels, strict=True)
    ]


@pytest.mark.parametrize("ids", [BEYOND_64, MIXED, LARGE], ids=["128 bits", "mixed", "63 bits"])
@pytest.mark.parametrize("category", [7, 2**63, 2**100], ids=["7", "64 bits", "101 bits"])
def test_large_ids_are_scored_as_pycocotools_scores_small_ones(
    tmp_path: Path, ids: tuple[int, ...], category: int
) -> None:
    split = read_split(write(tmp_path, content(ids, category)), "val")
    truth = truth_of(split)

    detected = from_results(truth, perfect(split))
    assessed = assess(truth, detected, {}, annotations=lambda: split.annotations)

    assert {m.metric: m.samples for m in assessed.measurements}["ap"] == pytest.approx((1.0,))
    assert results_of(truth, detected, own_ids=True) == perfect(split)
    assert {row["image_id"] for row in perfect(split)} == set(ids)
    kept = load(save(assessed.matches, tmp_path / "matches.npz"))
    assert len(kept.pictures) == len(ids)


def test_ids_that_an_array_can_hold_stay_as_they_are(tmp_path: Path) -> None:
    split = read_split(write(tmp_path, content(LARGE)), "val")

    assert [picture.id for picture in split.pictures] == sorted(LARGE)
    assert split.issues == ()


def test_ids_numbered_anew_are_in_the_order_of_the_files_own_and_told(tmp_path: Path) -> None:
    split = read_split(write(tmp_path, content(MIXED)), "val")

    assert [(picture.id, picture.own_id) for picture in split.pictures] == [
        (place, own) for place, own in enumerate(sorted(MIXED), start=1)
    ]
    assert [(issue.kind, issue.count, issue.severity) for issue in split.issues] == [
        ("picture id beyond 64 bits, or beside one: numbered anew", 3, "note")
    ]


def test_whole_numbers_written_as_floats_are_the_same_data(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    whole, floats = content((885, 3, 0)), content((885.0, 3.0, 0.0), 7.0)
    for row in floats["images"]:
        row.update(width=64.0, height=48.0)

    one = read_split(write(tmp_path / "a", whole), "val")
    other = read_split(write(tmp_path / "b", floats), "val")

    assert one.fingerprint == other.fingerprint
    assert (one.issues, other.issues) == ((), ())


def test_ids_may_be_floats_in_one_table_and_whole_in_another(tmp_path: Path) -> None:
    found = content((885, 3))
    for row in found["annotations"]:
        row.update(image_id=float(row["image_id"]), category_id=7.0)

    assert read_split(write(tmp_path, found), "val").box_count == 2


@pytest.mark.parametrize("value", [885.5, float("inf"), float("nan"), True, None, "885"])
def test_what_is_no_whole_number_is_no_id(tmp_path: Path, value: object) -> None:
    with pytest.raises(DataError, match=r"images\[0\] has id .*; it must be a whole number"):
        read_split(write(tmp_path, content((value,))), "val")


def test_an_id_that_stands_there_as_whole_and_as_float_stands_there_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="images has the id 885 twice"):
        read_split(write(tmp_path, content((885, 885.0))), "val")


@pytest.mark.slow
def test_a_network_s_detections_are_kept_with_the_files_own_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, content(BEYOND_64, 2**80))
    weights = save_checkpoint(
        tmp_path / "p.safetensors", build(Library().load("yolov5p"), 2, seed=0), {"image_size": 64}
    )
    words = ["eval", "yolov5p", "--weights", str(weights), "--data", str(folder), "--conf", "0"]

    assert main([*words, "--out", str(tmp_path / "kept"), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["data"]["numbers"]
    kept = tmp_path / "kept/detections.json.gz"
    assert main(["eval", "--detections", str(kept), "--data", str(folder), "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["data"]["numbers"] == first
    found = json.loads(gzip.decompress(kept.read_bytes()))
    assert {row["image_id"] for row in found} == set(BEYOND_64)
    assert {row["category_id"] for row in found} <= {2**80, 90}


def test_a_set_of_large_ids_can_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, content(BEYOND_64))
    (folder / "instances_train.json").write_bytes((folder / "instances_val.json").read_bytes())

    assert main(["data", "check", str(folder), "--json"]) == 0

    findings = json.loads(capsys.readouterr().out)["data"]["findings"]
    told = [each["severity"] for each in findings if "numbered anew" in each["kind"]]
    assert told == ["note", "note"]


@pytest.mark.parametrize("ids", [BEYOND_64, MIXED, (885.0, 3.0)], ids=["128", "mixed", "float"])
def test_stored_detections_of_such_ids_are_scored(
    tmp_path: Path, ids: tuple[Any, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, content(ids))
    rows = [
        {"image_id": row["image_id"], "category_id": 7, "bbox": row["bbox"], "score": 0.9}
        for row in content(ids)["annotations"]
    ]
    (tmp_path / "found.json").write_text(json.dumps(rows))

    code = main(
        ["eval", "--detections", str(tmp_path / "found.json"), "--data", str(folder), "--json"]
    )

    assert code == 0
    numbers = json.loads(capsys.readouterr().out)["data"]["numbers"]
    assert numbers["ap"] == pytest.approx(1.0)

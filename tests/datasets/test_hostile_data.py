"""Whatever stands in the files of a data set, there is a split or an error that says where; nothing else."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.datasets.formats.forms import read_split
from suite.datasets.split import DataError, Split
from suite.metrics.accuracy.coco_match import truth_of

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NUMBERS = st.one_of(
    st.floats(width=32),
    st.integers(-3, 3),
    st.sampled_from(["nan", "1e400", "-0", "0x1", "½", "1_0"]),
)
LABELS = st.lists(
    st.lists(NUMBERS, max_size=9).map(lambda row: " ".join(map(str, row))), max_size=4
).map("\n".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
TAGS = st.sampled_from(["<annotation>", "</annotation>", "<object>", "</object>", "<name>", "</name>", "<bndbox>",
                        "</bndbox>", "<xmin>", "</xmin>", "<ymin>2</ymin>", "<xmax>9</xmax>", "<ymax>9</ymax>", "1",
                        "<size>", "</size>", "<width>inf</width>", "<height>1e99</height>", "<!DOCTYPE a>", "&b;",
                        "<![CDATA[", "]]>", "<!--", "\0", "dog", "\n"])  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("images/val/1.jpg", "JPEGImages/1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        cv2.imwrite(str(tmp_path / name), np.full((48, 64, 3), 90, np.uint8))
    for name in ("labels/val", "Annotations", "ImageSets/Main"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def looked_at(folder: Path) -> Split | str:
    try:
        split = read_split(folder, "val")
    except DataError as error:
        return str(error)
    boxes = np.concatenate([picture.boxes for picture in split.pictures])
    assert np.isfinite(boxes).all()
    assert (boxes[:, 2:] > 0).all()
    return split


@FEW
@given(LABELS | st.text(max_size=40))
def test_any_labels(folder: Path, text: str) -> None:
    (folder / "data.yaml").write_text("val: images/val\nnames: [cat, dog]\n")
    (folder / "labels/val/1.txt").write_text(text, encoding="utf-8", errors="replace")

    looked_at(folder)


@FEW
@given(
    st.dictionaries(st.sampled_from(["path", "val", "names", "nc", "x"]), JSON, max_size=5) | JSON
)
def test_any_description(folder: Path, content: Any) -> None:
    (folder / "data.yaml").write_text(json.dumps(content))

    looked_at(folder)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 3),
    st.integers(-(2**130), 2**130),
    st.floats(),
    st.sampled_from(["", "0", "1", "1.jpg", "..", "a\\b", "C:\\a", "9:27 a.jpg", [], [1], {}]),
)


def rows(**fields: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows that have these fields, mostly sound; the others come and go."""
    values: dict[str, st.SearchStrategy[Any]] = {
        key: st.just(value) | st.just(value) | SCALARS for key, value in fields.items()
    }
    optional = {"name", "area", "iscrowd"}
    needed = {key: value for key, value in values.items() if key not in optional}
    others = {key: value for key, value in values.items() if key in optional}
    return st.lists(st.fixed_dictionaries(needed, optional=others), min_size=1, max_size=3)


@FEW
@given(
    st.fixed_dictionaries(
        {
            "images": rows(id=1, file_name="1.jpg", width=64, height=48),
            "categories": rows(id=1, name="cat"),
            "annotations": rows(
                id=1, image_id=1, category_id=1, bbox=[1, 2, 3, 4], area=9, iscrowd=0
            ),
        }
    )
)
def test_any_values_of_coco(folder: Path, content: dict[str, Any]) -> None:
    """What is read can be scored, and its ids can be written."""
    (folder / "instances_val.json").write_text(json.dumps(content))

    split = looked_at(folder)

    if isinstance(split, Split):
        assert len(truth_of(split).crowd) == split.box_count
        json.dumps([[picture.own_id, picture.id] for picture in split.pictures])


@FEW
@given(st.lists(TAGS, max_size=25).map("".join) | st.text(max_size=40))
def test_any_annotation_of_voc(folder: Path, text: str) -> None:
    (folder / "ImageSets/Main/val.txt").write_text("1\n")
    (folder / "Annotations/1.xml").write_text(text, encoding="utf-8", errors="replace")

    looked_at(folder)


@FEW
@given(st.text(max_size=30))
def test_any_list_of_voc(folder: Path, text: str) -> None:
    (folder / "ImageSets/Main/val.txt").write_text(text, encoding="utf-8", errors="replace")

    looked_at(folder)


@FEW
@given(st.text(max_size=30))
def test_any_list_of_yolo(folder: Path, text: str) -> None:
    (folder / "data.yaml").write_text("val: list.txt\nnames: [cat, dog]\n")
    (folder / "list.txt").write_text(text, encoding="utf-8", errors="replace")

    looked_at(folder)

"""Pascal VOC's form, and XML that is not to be trusted."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.formats.forms import read_split
from suite.datasets.split import DataError

Write = Callable[..., Path]
BOX = "<bndbox><xmin>10</xmin><ymin>8</ymin><xmax>30</xmax><ymax>24</ymax></bndbox>"
THING = f"<object><name>dog</name>{BOX}</object>"
SIZE = "<size><width>64</width><height>48</height></size>"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes one picture of 64 x 48 a part and what stands in its annotation."""

    def write_set(content: str = SIZE + "\n" + THING, *, whole: bool = False) -> Path:
        for inner in ("ImageSets/Main", "Annotations", "JPEGImages"):
            (tmp_path / inner).mkdir(parents=True)
        text = content if whole else f"<annotation>\n{content}\n</annotation>"
        for number, part in enumerate(("train", "val"), start=1):
            cv2.imwrite(
                str(tmp_path / f"JPEGImages/{number}.jpg"), np.full((48, 64, 3), 90, np.uint8)
            )
            (tmp_path / f"ImageSets/Main/{part}.txt").write_text(f"{number}\n")
            (tmp_path / f"Annotations/{number}.xml").write_text(text)
        return tmp_path

    return write_set


def test_a_box_goes_from_corner_to_corner(write: Write) -> None:
    (picture,) = read_split(write(), "val").pictures

    assert picture.boxes.tolist() == [[10, 8, 20, 16]]


def test_classes_are_those_of_both_parts_in_the_order_of_the_alphabet(write: Write) -> None:
    folder = write()
    (folder / "Annotations/1.xml").write_text(
        f"<annotation>{SIZE}{THING.replace('dog', 'ant')}</annotation>"
    )

    split = read_split(folder, "val")

    assert [(c.id, c.name) for c in split.categories] == [(1, "ant"), (2, "dog")]
    assert split.pictures[0].labels.tolist() == [1]


def test_difficult_objects_are_ignored_as_crowds_are(write: Write) -> None:
    hard = THING.replace("</name>", "</name><difficult>1</difficult>")

    assert read_split(write(SIZE + THING + hard), "val").pictures[0].crowd.tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "difficult", "counted"),
    [("0", False, 0), ("1", True, 0), (" true ", True, 0), ("False", False, 0), ("", False, 0),
     ("yes", False, 1), ("2", False, 1)],
)  # fmt: skip
def test_difficult_is_read_by_its_meaning_and_what_has_none_is_counted(
    write: Write, text: str, difficult: bool, counted: int
) -> None:
    hard = THING.replace("</name>", f"</name><difficult>{text}</difficult>")

    split = read_split(write(SIZE + THING + hard), "val")

    assert split.pictures[0].crowd.tolist() == [False, difficult]
    kinds = ["difficult is neither 0 nor 1, and taken as 0"] * counted
    assert [issue.kind for issue in split.issues] == kinds


@pytest.mark.parametrize(
    "size", ["", "<size><width>0</width><height>0</height></size>"], ids=["none", "zero"]
)
def test_a_size_that_is_not_stated_is_the_pictures(write: Write, size: str) -> None:
    (picture,) = read_split(write(size + THING), "val").pictures

    assert (picture.width, picture.height) == (64, 48)


def test_pictures_that_lack_something_are_left_out_and_counted(write: Write) -> None:
    folder = write()
    (folder / "ImageSets/Main/val.txt").write_text("2\n3\n4\n")
    (folder / "Annotations/3.xml").write_text(f"<annotation>{SIZE}</annotation>")

    split = read_split(folder, "val")

    assert [(issue.kind, issue.count) for issue in split.issues] == [
        ("picture left out: missing", 1),
        ("picture left out: no annotation", 1),
    ]


LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE annotation [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotation><object><name>&b;</name></object></annotation>"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE annotation [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotation><object><name>&x;</name></object></annotation>"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LAUGHS, r"2\.xml:2: has a document type"),
        (OUTSIDE, r"2\.xml:2: has a document type"),
        (OUTSIDE.encode("utf-16"), r"has a document type"),
        ("<!DOCTYPE annotation SYSTEM 'http://localhost/x.dtd'>\n<annotation/>", r"2\.xml:1: has a document type"),
        ("<annotation>\n<object>\n</annotation>", r"2\.xml:3: no XML: mismatched tag"),
        ("", r"2\.xml:1: no XML: no element found"),
        ("<?xml version='1.0' encoding='klingon'?><annotation/>", r"2\.xml:1: no XML"),
        ("<a>" * 100_000, r"nested deeper than 16 levels"),
        ("<html>\n</html>", r"2\.xml:1: begins with <html>"),
        ("<annotation>\n<object><name>dog</name></object></annotation>", r"2\.xml:2: the object has no bndbox"),
        (f"<annotation>\n<object>{BOX}</object></annotation>", r"2\.xml:2: the object has no name"),
        (f"<annotation>\n\n{THING.replace('30', 'wide')}</annotation>", r"2\.xml:3: <xmax> is 'wide'"),
        ("<annotation>" + " " * 5_000_000, r"is larger than 4 MiB"),
    ],
    ids=["billion laughs", "file entity", "utf-16", "outside dtd", "mismatched", "empty", "encoding", "deep", "html",
         "no box", "no name", "no number", "large"],
)  # fmt: skip
def test_a_wrong_or_hostile_annotation_is_an_error_with_its_line(
    write: Write, content: str | bytes, said: str
) -> None:
    folder = write()
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "Annotations/2.xml").write_bytes(data)

    with pytest.raises(DataError, match=said):
        read_split(folder, "val")


def test_a_name_that_leaves_the_folder_is_refused(write: Write) -> None:
    folder = write()
    (folder / "ImageSets/Main/val.txt").write_text("2\n../../secret\n")

    with pytest.raises(DataError, match=r"val\.txt:2: '\.\./\.\./secret\.xml' leaves"):
        read_split(folder, "val")


def test_a_class_that_the_list_does_not_have_is_an_error_with_its_line(write: Write) -> None:
    folder = write()
    (folder / "classes.txt").write_text("ant\n")

    with pytest.raises(
        DataError, match=r"2\.xml:3: class 'dog' is not among those of .*classes\.txt"
    ):
        read_split(folder, "val")

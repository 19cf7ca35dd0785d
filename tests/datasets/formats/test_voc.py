"""Pascal VOC's form, and XML that is not to be trusted."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from suite.datasets.formats.spelling import SLASHES
from suite.datasets.split import DataError, Reading

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
    kinds = ["difficult is not written as 0 or 1, and taken as 0"] * counted
    assert [issue.kind for issue in split.issues] == kinds


@pytest.mark.parametrize(
    "size", ["", "<size><width>0</width><height>0</height></size>"], ids=["none", "zero"]
)
def test_a_size_that_is_not_stated_is_the_pictures(write: Write, size: str) -> None:
    (picture,) = read_split(write(size + THING), "val").pictures

    assert (picture.width, picture.height) == (64, 48)


def test_pictures_that_lack_something_are_counted(write: Write) -> None:
    """A sheet without a picture, a name without either, and a picture without a sheet, which has no objects."""
    folder = write()
    (folder / "ImageSets/Main/val.txt").write_text("2\n3\n4\n5\n")
    (folder / "Annotations/3.xml").write_text(f"<annotation>{SIZE}</annotation>")
    cv2.imwrite(str(folder / "JPEGImages/5.jpg"), np.full((48, 64, 3), 90, np.uint8))

    split = read_split(folder, "val")

    assert [(p.id, len(p.boxes)) for p in split.pictures] == [(2, 1), (5, 0)]
    assert [(issue.kind, issue.count) for issue in split.issues] == [
        ("picture left out: missing", 2),
        ("picture without a sheet, taken for one without objects", 1),
    ]


def test_a_picture_in_a_folder_of_its_own_is_found(write: Write) -> None:
    folder = write()
    for kind, ending in (("Annotations", "xml"), ("JPEGImages", "jpg")):
        (folder / kind / "sub").mkdir()
        (folder / kind / f"2.{ending}").rename(folder / kind / f"sub/2.{ending}")
    (folder / "ImageSets/Main/val.txt").write_text("sub/2\n")

    split = read_split(folder, "val")

    assert [p.file.name for p in split.pictures] == ["2.jpg"]
    assert (split.box_count, split.issues) == (1, ())


@pytest.mark.parametrize("line", ["2.jpg", "./2", "2"])
def test_a_list_may_have_endings(write: Write, line: str) -> None:
    folder = write()
    (folder / "ImageSets/Main/val.txt").write_text(f"{line}\n")

    assert read_split(folder, "val").box_count == 1


def test_a_line_with_backslashes_is_a_path(write: Write) -> None:
    folder = write()
    for kind, ending in (("Annotations", "xml"), ("JPEGImages", "jpg")):
        (folder / kind / "sub").mkdir()
        (folder / kind / f"2.{ending}").rename(folder / kind / f"sub/2.{ending}")
    (folder / "ImageSets/Main/val.txt").write_text("sub\\2\n")

    split = read_split(folder, "val")

    assert split.box_count == 1
    assert [issue.kind for issue in split.issues] == [SLASHES]


def test_of_two_pictures_of_one_name_one_is_passed_over_and_counted(write: Write) -> None:
    folder = write()
    cv2.imwrite(str(folder / "JPEGImages/2.png"), np.full((48, 64, 3), 90, np.uint8))

    split = read_split(folder, "val")

    assert [p.file.name for p in split.pictures] == ["2.jpg"]
    assert [(issue.kind, issue.examples) for issue in split.issues] == [
        ("picture passed over: another has its name", ("2 (2.png)",))
    ]


def test_the_classes_of_a_labelmap_are_those_of_the_set(write: Write) -> None:
    """One of them without objects, which no sheet names."""
    folder = write()
    (folder / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nowl:grey:1,2,3::\ndog:128,0,0::tail\n"
    )

    split = read_split(folder, "val")

    assert [c.name for c in split.categories] == ["owl:grey", "dog"]
    assert split.pictures[0].labels.tolist() == [1]


@pytest.mark.parametrize(("value", "crowd"), [("True", True), ("1", True), ("False", False)])
def test_an_attribute_marks_a_crowd(write: Write, value: str, crowd: bool) -> None:
    mark = f"<attribute><name>is_crowd</name><value>{value}</value></attribute>"
    other = "<attribute><name>occluded</name><value>True</value></attribute>"
    thing = THING.replace("</object>", f"<attributes>{other}{mark}</attributes></object>")

    (picture,) = read_split(write(SIZE + THING + thing), "val").pictures

    assert picture.crowd.tolist() == [False, crowd]


FROM_1 = "corners may count pixels from 1 (--voc-first-pixel tells)"
FAR = THING.replace(">30<", ">64<")
NEAR = THING.replace(">10<", ">0<")


@pytest.mark.parametrize(
    ("content", "noted"),
    [
        (SIZE + FAR, [FROM_1]),
        (SIZE + THING.replace(">24<", ">48<"), [FROM_1]),
        (SIZE + FAR + NEAR, []),
        (SIZE + THING, []),
        (FAR, []),
        ("<source><database>roboflow.ai</database></source>" + SIZE + THING, [FROM_1]),
    ],
    ids=["right edge", "lower edge", "both", "neither", "no size", "a writer that does"],
)
def test_corners_that_look_as_if_counted_from_1_are_noted(
    write: Write, content: str, noted: list[str]
) -> None:
    assert [issue.kind for issue in read_split(write(content), "val").issues] == noted


@pytest.mark.parametrize(
    ("first", "box"), [(1, [9.0, 7.0, 55.0, 17.0]), (0, [10.0, 8.0, 54.0, 16.0])]
)
def test_the_first_pixel_can_be_said(write: Write, first: int, box: list[float]) -> None:
    """10..64 and 8..24 with the first pixel 1 and the last one in: from 9 to 64 and from 7 to 24."""
    split = read_split(write(SIZE + FAR), "val", Reading(voc_first_pixel=first))

    assert split.pictures[0].boxes.tolist() == [box]
    assert split.issues == ()


def test_the_first_pixel_of_another_form_is_refused(tmp_path: Path) -> None:
    ensure(tmp_path / "set", train=1, val=1)

    with pytest.raises(DataError, match="is COCO JSON; --voc-first-pixel is for Pascal VOC alone"):
        read_split(tmp_path / "set", "val", Reading(voc_first_pixel=1))


def flat(tmp_path: Path, *parts: str, sheets: str = "", pictures: str = "") -> Path:
    """Two pictures a part, of one object each, and none of VOC's lists."""
    for part in parts:
        for kind in (sheets, pictures):
            (tmp_path / part / kind).mkdir(parents=True, exist_ok=True)
        for number in (1, 2):
            image = tmp_path / part / pictures / f"{number}.jpg"
            cv2.imwrite(str(image), np.full((48, 64, 3), 90, np.uint8))
            text = f"<annotation>{SIZE}{THING}</annotation>"
            (tmp_path / part / sheets / f"{number}.xml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("val", ["valid", "val"])
@pytest.mark.parametrize(("sheets", "pictures"), [("", ""), ("annotations", "images")])
def test_a_folder_a_part_needs_no_lists(
    tmp_path: Path, val: str, sheets: str, pictures: str
) -> None:
    folder = flat(tmp_path, "train", val, sheets=sheets, pictures=pictures)

    parts = [read_split(folder, part) for part in ("train", "val")]

    assert [(split.form, split.box_count, split.issues) for split in parts] == [
        ("Pascal VOC", 2, ())
    ] * 2


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

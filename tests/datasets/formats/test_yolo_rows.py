"""Rows of YOLO label files that are more than a box: key points, scores, track ids, polygons."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.datasets.formats.assemble import Notes
from suite.datasets.formats.forms import read_split
from suite.datasets.formats.yolo_rows import RowReader
from suite.datasets.split import DataError, Split

Write = Callable[..., Split]
SIDES = (64, 48)
SUSPICIOUS = (
    "polygon that looks like a box with key points: if it is one, data.yaml needs `kpt_shape`"
)
EXTRA = "row with a score or track id: only its box is taken"
BOX = (0.6, 0.5, 0.3, 0.4)  # centre x, centre y, width, height
PIXELS = [28.8, 14.4, 19.2, 19.2]  # (0.6 - 0.15) * 64, (0.5 - 0.2) * 48, 0.3 * 64, 0.4 * 48


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Reads one picture of 64 x 48 with these rows."""

    def write_set(*rows: str, more: str = "") -> Split:
        for inner in ("images/val", "labels/val"):
            (tmp_path / inner).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "images/val/1.png"), np.full((48, 64, 3), 90, np.uint8))
        (tmp_path / "labels/val/1.txt").write_text("\n".join(rows))
        (tmp_path / "data.yaml").write_text(f"val: images/val\nnames: [face, plate]\n{more}")
        return read_split(tmp_path, "val")

    return write_set


def row(*numbers: float, label: int = 0) -> str:
    return " ".join(map(repr, (label, *numbers)))


def points(count: int, numbers: int, visible: int = 2) -> list[float]:
    """Key points within BOX, of two or three numbers each."""
    found: list[float] = []
    for place in range(count):
        found += [0.5 + 0.01 * place, 0.4 + 0.015 * place, visible][:numbers]
    return found


def kinds(split: Split) -> dict[str, int]:
    return {issue.kind: issue.count for issue in split.issues}


@pytest.mark.parametrize("numbers", [2, 3])
@pytest.mark.parametrize("count", [1, 2, 4, 5, 17])
@pytest.mark.parametrize("extra", [(), (0.9,), (0.9, 12)], ids=["", "score", "score and track"])
def test_by_kpt_shape_the_first_four_numbers_are_the_box(
    write: Write, count: int, numbers: int, extra: tuple[float, ...]
) -> None:
    found = row(*BOX, *points(count, numbers), *extra)

    split = write(found, more=f"kpt_shape: [{count}, {numbers}]\n")

    assert split.pictures[0].boxes[0].tolist() == pytest.approx(PIXELS)
    assert split.pictures[0].outlines == ()
    assert kinds(split) == ({EXTRA: 1} if extra else {})


def test_points_that_are_not_there_or_outside_the_picture_do_not_matter(write: Write) -> None:
    split = write(row(*BOX, 0, 0, 0, 7.5, -3, 1), more="kpt_shape: [2, 3]\n")

    assert (split.box_count, split.issues) == (1, ())


def test_a_plain_box_among_rows_with_key_points_is_a_box(write: Write) -> None:
    split = write(row(*BOX), row(*BOX, *points(5, 2)), more="kpt_shape: [5, 2]\n")

    assert split.pictures[0].boxes[0].tolist() == pytest.approx(PIXELS)
    assert split.box_count == 2


def test_a_row_of_another_number_of_points_is_an_error_with_its_line(write: Write) -> None:
    with pytest.raises(
        DataError, match=r"1\.txt:2: has 13 numbers; by `kpt_shape` a line is .* and 15 numbers"
    ):
        write(row(*BOX, *points(5, 3)), row(*BOX, *points(4, 2)), more="kpt_shape: [5, 3]\n")


@pytest.mark.parametrize(
    "shape", ["17", "[17]", "[17, 4]", "[0, 3]", "[17, 3, 1]", "[a, 3]", "[2.5, 2]", "{a: 1}"]
)
def test_a_wrong_kpt_shape_is_an_error_with_its_line(write: Write, shape: str) -> None:
    with pytest.raises(DataError, match=r"data\.yaml:3: `kpt_shape` is not two whole numbers"):
        write(row(*BOX), more=f"kpt_shape: {shape}\n")


@pytest.mark.parametrize(
    "extra", [(0.87,), (17,), (0.87, 17), (0.87, 17.0), (0.87, -1), (0.87, 1), (1, 0)], ids=str
)
def test_a_score_and_a_track_id_are_no_corners(write: Write, extra: tuple[float, ...]) -> None:
    split = write(row(*BOX, *extra))

    assert split.pictures[0].boxes[0].tolist() == pytest.approx(PIXELS)
    assert kinds(split) == {EXTRA: 1}


def test_a_triangle_is_no_box_with_score_and_track_id(write: Write) -> None:
    split = write(row(0.1, 0.1, 0.9, 0.1, 0.5, 0.75))

    assert split.pictures[0].boxes[0].tolist() == pytest.approx([6.4, 4.8, 51.2, 31.2])
    assert split.issues == ()


@pytest.mark.parametrize("count", [1, 2, 4, 5, 17])
def test_without_kpt_shape_rows_that_look_like_boxes_with_points_are_told(
    write: Write, count: int
) -> None:
    rows = [row(*BOX, *points(count, 2)), row(0.55, 0.45, 0.3, 0.4, *points(count, 2))]

    assert kinds(write(*rows)) == {SUSPICIOUS: 2}


@pytest.mark.parametrize("count", [2, 4])
def test_points_of_three_numbers_are_recognised_by_their_visibility(
    write: Write, count: int
) -> None:
    assert kinds(write(row(*BOX, *points(count, 3))))[SUSPICIOUS] == 1


@pytest.mark.parametrize("count", [2, 4])
def test_points_of_three_numbers_may_have_a_confidence(write: Write, count: int) -> None:
    found = points(count, 3)
    found[2::3] = [0.9 + 0.01 * place for place in range(count)]

    assert kinds(write(row(*BOX, *found)))[SUSPICIOUS] == 1


@pytest.mark.parametrize("count", [1, 5, 17])
def test_a_large_box_in_the_middle_hides_nothing(write: Write, count: int) -> None:
    """Its width and height are a point in it: only that all rows are alike tells."""
    rows = [row(0.5, 0.5, 0.5 + 0.01 * n, 0.5, *points(count, 2)) for n in range(4)]

    assert kinds(write(*rows))[SUSPICIOUS] == 4


@pytest.mark.parametrize("count", [1, 5, 17])
def test_an_even_number_of_numbers_is_an_error_that_names_kpt_shape(
    write: Write, count: int
) -> None:
    with pytest.raises(DataError, match=r"with key points, data\.yaml must have `kpt_shape`"):
        write(row(*BOX, *points(count, 3)))


def test_points_that_are_not_there_hide_nothing(write: Write) -> None:
    assert kinds(write(row(*BOX, 0.6, 0.5, 0, 0, 0.55, 0.6))) == {SUSPICIOUS: 1}


def circle(x: float, y: float, radius: float, corners: int) -> list[float]:
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], 1).ravel().tolist()


def test_small_polygons_of_different_lengths_are_not_suspicious(write: Write) -> None:
    """All their points lie in the box that their first four numbers make, since that box is large."""
    rows = [row(*circle(0.4 + 0.01 * n, 0.5, 0.05, 8 + n)) for n in range(12)]

    assert write(*rows).issues == ()


def test_turned_boxes_are_not_suspicious(write: Write) -> None:
    rows = [row(*circle(0.2 + 0.05 * n, 0.5, 0.06, 4)) for n in range(12)]

    assert write(*rows).issues == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.sampled_from([None, (5, 2), (3, 3)]))
def test_any_row_is_a_box_within_its_numbers_or_an_error(
    shares: list[float], key_points: tuple[int, int] | None
) -> None:
    reader = RowReader(1, key_points, Notes())

    try:
        found = reader.read("a.txt:1", "a.txt:1", ["0", *map(repr, shares)])
    except DataError:
        return

    reader.tell()
    assert len(found.around) == 4
    assert found.values == shares[: len(found.values)]

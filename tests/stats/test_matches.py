"""The record of matches and its file."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from suite.stats.coco import rates, summary
from suite.stats.matches import Matches, load, save


def two_detections() -> Matches:
    """One object of 50 x 50 pixels; one detection that fits it up to IoU 0.6, and a better scored one that does not.

    The first is outside of "small" and "large", so it is ignored there.
    """
    outside = sum(1 << (10 * area + t) for area in (1, 3) for t in range(10))
    return Matches(
        pictures=np.array([3, 8]),
        categories=np.array([1, 2]),
        names=("cat", "dog"),
        data="f" * 64,
        picture=np.array([1, 0], np.int32),
        category=np.array([1, 1], np.int32),
        score=np.array([0.9, 0.8]),
        rank=np.array([0, 0], np.int16),
        correct=np.array(
            [0, sum(1 << (10 * area + t) for area in (0, 2) for t in range(3))], np.uint64
        ),
        ignored=np.array([outside, outside], np.uint64),
        truth_picture=np.array([0], np.int32),
        truth_category=np.array([1], np.int32),
        truth_counted=np.array([0b0101], np.uint8),
    )


def test_flags_are_of_one_area_and_one_threshold() -> None:
    found = two_detections()

    assert [flags.tolist() for flags in found.flags(0, 2)] == [[False, True], [False, False]]
    assert [flags.tolist() for flags in found.flags(2, 3)] == [[False, False], [False, False]]
    assert [flags.tolist() for flags in found.flags(1, 0)] == [[False, False], [True, True]]


def test_objects_are_counted_by_category_and_area() -> None:
    assert two_detections().objects().tolist() == [[0, 0, 0, 0], [1, 0, 1, 0]]
    assert two_detections().starts().tolist() == [0, 0, 2]


def test_one_wrong_detection_before_the_right_one_halves_the_precision() -> None:
    """Of ten thresholds three are met, each with precision 1/2 at every recall."""
    ap, ap50, ap75, small, medium, large, ar_1, *_ = summary(rates(two_detections()))

    assert (ap, ap50) == pytest.approx((0.15, 0.5))
    assert ap75 == 0
    assert medium == pytest.approx(0.15)
    assert (small, large) == (-1, -1)
    assert ar_1 == pytest.approx(0.3)


def test_matches_come_back_from_their_file(tmp_path: Path) -> None:
    original = two_detections()

    again = load(save(original, tmp_path / "deep/matches.npz"))

    for field in fields(Matches):
        before, after = getattr(original, field.name), getattr(again, field.name)
        assert np.array_equal(before, after)
        assert getattr(before, "dtype", str) == getattr(after, "dtype", str)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["matches.npz"]


def test_ids_may_be_texts(tmp_path: Path) -> None:
    original = replace(two_detections(), pictures=np.array(["a.jpg", "bb.jpg"]))

    assert load(save(original, tmp_path / "m.npz")).pictures.tolist() == ["a.jpg", "bb.jpg"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"[1, 2]"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "matches.npz"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"matches\.npz: is no file of matches, or a damaged one"):
        load(path)


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    path = save(two_detections(), tmp_path / "matches.npz")
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(ValueError, match="damaged"):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.npz"):
        load(tmp_path / "gone.npz")

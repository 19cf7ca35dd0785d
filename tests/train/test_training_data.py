"""What a training job makes of workers, caches and pictures that break in the middle of the night."""

from pathlib import Path

import pytest

from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from suite.datasets.split import BrokenPictureError
from suite.executors.child import failure
from suite.jobs.train import Evaluated, training_measurements
from suite.protocols import Budget
from suite.protocols.loading import Cache, Loading
from suite.spec.library import Library
from suite.train.recipe import recipe
from tests.train.trainings import whole_training


class Breaking:
    """A reporter in whose hands a picture breaks when training begins."""

    def __init__(self, picture: Path | None = None) -> None:
        self._picture = picture

    def stage(self, stage: str) -> None:
        if stage == "train" and self._picture:
            self._picture.write_bytes(self._picture.read_bytes()[:100])

    def progress(self, done: int, total: int) -> None:
        """Nobody listens."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return ensure(tmp_path / "set", train=6, val=2, size=64)


def trained(folder: Path, loading: Loading, picture: Path | None = None) -> Evaluated:
    variant, budget = Library().load("yolov5p"), Budget(2, steps=4)
    return whole_training(
        variant, folder, recipe("tiny"), budget, Breaking(picture), loading=loading
    )


def test_a_training_is_the_same_with_workers_and_any_cache(folder: Path, tmp_path: Path) -> None:
    plain = trained(folder, Loading(cache=Cache(0)))
    other = trained(folder, Loading(workers=2, cache=Cache(None, tmp_path / "cache")))

    assert other.result.trained.curve == plain.result.trained.curve
    assert other.evaluation.detections == plain.evaluation.detections


def test_a_picture_that_breaks_fails_the_job_and_is_named(folder: Path) -> None:
    picture = read_split(folder, "train").pictures[2].file

    with pytest.raises(BrokenPictureError) as caught:
        trained(folder, Loading(workers=1), picture)

    found = failure(caught.value, "train")
    assert (found.code, found.message.split(":")[0]) == ("data", str(picture))


def test_a_picture_that_breaks_may_be_passed_over_and_stands_in_the_notes(folder: Path) -> None:
    picture = read_split(folder, "train").pictures[2].file

    done = trained(folder, Loading(workers=2, broken_pictures="skip"), picture)
    curve, *_ = training_measurements(done.result)

    assert curve.notes["broken_pictures"] == [picture.name]

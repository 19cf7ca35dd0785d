"""The record of a training: what it refuses, and what is made of it."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from suite.datasets.split import DataError
from suite.jobs import JobError
from suite.jobs.train import job_errors
from suite.nn.detector import build
from suite.nn.weights.pickles import WeightsError
from suite.protocols import Budget
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.train.diverged import TrainingDiverged
from suite.train.loop import Progress
from suite.train.recipe import recipe
from suite.train.run import load_start_weights, run_training
from suite.train.snapshot import CheckpointError, Every
from suite.train.training import Files, Limits, Training
from suite.yaml.errors import SpecError
from tests.train.trainings import training_of

TINY = recipe("tiny")


@pytest.fixture
def shapes(tmp_path: Path) -> Training:
    """Two steps of yolov5p on four pictures, with all that a training may write."""
    data = read_split(ensure(tmp_path / "data", train=4, val=2, size=64), "train")
    out = tmp_path / "out"
    files = Files(out / "checkpoint.json", Every(steps=1), out / "curve.csv")
    return training_of(
        Library().load("yolov5p"), TINY, steps=2, data=data, image_size=64, files=files
    )


def test_nothing_trains_from_placeholders_for_anchors(mini: Variant) -> None:
    head = replace(mini.layers[-1], options={"anchors": 2})

    with pytest.raises(SpecError, match="2 anchors a level that are placeholders"):
        training_of(replace(mini, layers=(*mini.layers[:-1], head)), TINY)


@pytest.mark.parametrize("steps", [0, -1])
def test_a_training_takes_a_step(steps: int) -> None:
    with pytest.raises(ValueError, match=f"at least one step, not {steps}"):
        Limits(steps)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_training_takes_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="takes more than"):
        Limits(1, seconds)


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"image_size": 0}])
def test_a_step_shows_something(mini: Variant, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one image of one pixel"):
        training_of(mini, TINY, **wrong)


def test_budget_and_limits_say_the_same_of_the_time(mini: Variant) -> None:
    training = training_of(mini, TINY, seconds=2.0)

    with pytest.raises(ValueError, match=r"the budget is 2\.0 s, the limit None s"):
        replace(training, limits=Limits(10))


def test_a_training_stays_what_it_was(mini: Variant) -> None:
    training = training_of(mini, TINY)

    with pytest.raises(FrozenInstanceError):
        training.seed = 1  # type: ignore[misc]


def test_batch_and_steps_are_those_of_budget_and_limits(mini: Variant) -> None:
    training = training_of(mini, TINY, batch=3, steps=7)

    assert (training.batch, training.steps) == (3, 7)


def test_a_training_says_where_it_is_and_what_came_of_it(shapes: Training) -> None:
    heard: list[str | Progress] = []

    result = run_training(shapes, on_begin=lambda: heard.append("begin"), on_progress=heard.append)

    assert [what if isinstance(what, str) else what.step for what in heard] == ["begin", 2]
    assert result.facts == {
        "class_names": [category.name for category in shapes.data.categories],
        "image_size": 64,
        "steps": 2,
        "batch": 2,
        "seed": 0,
        "data": shapes.data.fingerprint,
        "fingerprint": shapes.variant.fingerprint,
        "architecture": shapes.variant.architecture,
        "start": {"form": "scratch"},
        "identity": shapes.identity(),
    }
    assert not result.model.training


def test_a_training_leaves_its_curve_and_a_checkpoint_that_can_be_discarded(
    shapes: Training,
) -> None:
    assert shapes.files.curve is not None
    assert shapes.files.checkpoint is not None
    result = run_training(shapes)
    folder = shapes.files.curve.parent

    assert (folder / "checkpoint.json").exists()
    result.discard_checkpoint()
    assert [path.name for path in folder.iterdir()] == ["curve.csv"]


def test_a_training_without_files_writes_none(shapes: Training, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))

    result = run_training(replace(shapes, files=Files()))
    result.discard_checkpoint()

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"seed": 1}, "seed 0, now 1"),
        ({"budget": Budget(2, epochs=1)}, "epochs None, now 1; steps 2, now None"),
        ({"recipe": replace(TINY, rect=True)}, "recipe.rect False, now True"),
        ({"image_size": 96}, "image_size 64, now 96"),
    ],
)
def test_a_checkpoint_is_gone_on_from_by_the_same_training_only(
    shapes: Training, change: dict[str, Any], difference: str
) -> None:
    run_training(shapes)

    with pytest.raises(CheckpointError, match=difference):
        run_training(replace(shapes, **change))


def test_data_without_a_picture_cannot_be_trained_on(mini: Variant) -> None:
    with pytest.raises(DataError, match="has no pictures to train on"):
        run_training(training_of(mini, TINY))


def test_without_weights_a_network_starts_from_scratch(mini: Variant) -> None:
    assert load_start_weights(training_of(mini, TINY), build(mini, 2)) == {"form": "scratch"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TrainingDiverged(3, "the loss is not finite"), "non-finite"),
        (CheckpointError("damaged"), "checkpoint"),
        (WeightsError("no such file"), "weights"),
    ],
)
def test_what_goes_wrong_with_a_training_is_stored_under_its_code(
    error: Exception, code: str
) -> None:
    with pytest.raises(JobError, match=str(error)) as caught, job_errors():
        raise error

    assert (caught.value.code, caught.value.__cause__) == (code, error)


def test_a_mistake_of_the_suite_is_no_answer_of_the_job() -> None:
    with pytest.raises(KeyError), job_errors():
        raise KeyError("values")

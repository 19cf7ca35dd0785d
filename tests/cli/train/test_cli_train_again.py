"""`train` where an earlier training lies: finished already, another one's, or overwritten when told to."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.cli.main import main
from suite.datasets.builtin.shapes import ensure

Again = Callable[..., int]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The weights of a training of one step, and the command that it was."""
    folder = tmp_path_factory.mktemp("finished")
    data = ensure(folder / "data", train=2, val=1, size=64)
    weights = folder / "r.safetensors"
    command = ["train", "yolov5p", "--data", str(data), "--batch", "2", "--imgsz", "64"]
    command += ["--out", str(weights)]
    assert main([*command, "--steps", "1"]) == 0
    return weights, command


@pytest.fixture
def again(finished: tuple[Path, list[str]]) -> Again:
    """The same command with more words; the weights must be as they were."""
    weights, command = finished
    before = weights.read_bytes()

    def run(*words: str, steps: int = 1) -> int:
        code = main([*command, "--steps", str(steps), *words])
        assert weights.read_bytes() == before
        return code

    return run


def test_resuming_a_finished_training_does_nothing(
    again: Again, finished: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert again("--resume") == 0

    output = capsys.readouterr()
    assert output.out == f"{finished[0]}: finished, nothing to resume\n"
    assert "[1/1]" not in output.err


def test_resuming_a_finished_training_says_so_as_json(
    again: Again, finished: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert again("--resume", "--json") == 0

    assert json.loads(capsys.readouterr().out)["data"] == {
        "checkpoint": str(finished[0]),
        "finished": True,
    }


def test_a_longer_training_is_not_taken_for_the_finished_one(
    again: Again, capsys: pytest.CaptureFixture[str]
) -> None:
    assert again("--resume", "--seed", "3", steps=2) == 2

    said = capsys.readouterr().err
    assert "is of another training (seed 0, now 3; steps 1, now 2); --force overwrites it" in said


def test_weights_that_lie_there_are_not_overwritten_unasked(
    again: Again, capsys: pytest.CaptureFixture[str]
) -> None:
    assert again() == 2

    assert "r.safetensors is there already; --force overwrites it" in capsys.readouterr().err


def test_weights_that_do_not_say_of_which_training_they_are_are_left_alone(
    again: Again, finished: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    about = finished[0].with_name("r.safetensors.json")
    text = about.read_text()
    facts = json.loads(text)
    del facts["identity"]
    about.write_text(json.dumps(facts))

    assert again("--resume") == 2

    about.write_text(text)
    assert "is of another training (an older version wrote it" in capsys.readouterr().err


def test_damaged_weights_are_not_taken_for_finished_ones(
    again: Again, finished: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    about = finished[0].with_name("r.safetensors.json")
    text = about.read_text()
    about.write_text("[]")

    assert again("--resume") == 2

    about.write_text(text)
    assert "damaged, or not the file that" in capsys.readouterr().err


def test_force_trains_anew(
    finished: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    weights, command = finished
    before = weights.read_bytes()

    assert main([*command, "--steps", "2", "--force"]) == 0

    assert "trained: 2 steps" in capsys.readouterr().out
    assert weights.read_bytes() != before

"""What is said of the classes of the weights that trainings start from."""

from dataclasses import replace
from pathlib import Path

import pytest

from suite.nn.detector import build
from suite.nn.weights.checkpoint import save_checkpoint
from suite.record import Json
from suite.session.starts import tell_other_classes
from suite.spec.library import Library

NAMES = ["red", "green", "blue"]


def told(tmp_path: Path, facts: dict[str, Json], names: list[str]) -> list[str]:
    """What is said of a training of yolov5p that starts from a checkpoint with such facts."""
    variant = Library().load("yolov5p")
    path = save_checkpoint(tmp_path / "w.safetensors", build(variant, 3, seed=0), facts)
    lines: list[str] = []
    tell_other_classes([replace(variant, weights=str(path))] * 2, names, lines.append)
    return lines


@pytest.mark.parametrize("names", [["green", "red", "blue"], ["red", "green", "cyan"]])
def test_classes_of_other_names_or_order_are_told_once_a_file(
    tmp_path: Path, names: list[str]
) -> None:
    (line,) = told(tmp_path, {"class_names": list[Json](NAMES)}, names)

    assert "was trained on red, green, blue, the data has " + ", ".join(names) in line


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        ({"class_names": list[Json](NAMES)}, NAMES),
        ({"class_names": list[Json](NAMES)}, ["cat"]),  # outputs of another number are not loaded
        ({}, ["green", "red", "blue"]),
    ],
    ids=["the same", "another number", "not stated"],
)
def test_other_weights_are_not_told(
    tmp_path: Path, facts: dict[str, Json], names: list[str]
) -> None:
    assert told(tmp_path, facts, names) == []


def test_weights_that_cannot_be_read_are_left_to_who_loads_them(tmp_path: Path) -> None:
    lines: list[str] = []
    variant = replace(Library().load("yolov5p"), weights=str(tmp_path / "absent.pt"))

    tell_other_classes([variant], NAMES, lines.append)

    assert lines == []

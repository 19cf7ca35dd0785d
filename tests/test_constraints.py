"""The committed versions are those of all that the project asks for, but for what has to suit a machine's driver."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from suite.shipped import SHIPPED

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ASKED_FOR = [
    Requirement(text)
    for text in (*PROJECT["dependencies"], *EXTRAS["dev"], *EXTRAS["onnx"], *EXTRAS["openvino"])
]
LEFT_TO_RANGES = {"torch", "torchvision", PROJECT["name"]}
LINES = (SHIPPED / "constraints.txt").read_text().splitlines()
STATED = [line.split("==") for line in LINES if not line.startswith("#")]
PINS = {canonicalize_name(name): version for name, version in STATED}


@pytest.mark.parametrize(
    "requirement", [r for r in ASKED_FOR if r.name not in LEFT_TO_RANGES], ids=str
)
def test_the_version_of_a_requirement_is_within_its_range(requirement: Requirement) -> None:
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_torch_and_the_libraries_that_come_with_it_are_left_to_the_ranges() -> None:
    theirs = re.compile(r"torch|torchvision|triton|cuda-.*|nvidia-(?!ml-py).*")

    assert not [name for name in PINS if theirs.fullmatch(name)]


def test_no_distribution_is_stated_twice() -> None:
    assert len(PINS) == len(STATED)

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.spec.blocks.signatures import Signatures
from suite.spec.library import Library
from suite.spec.views.write import write
from suite.yaml.errors import SpecError

Make = Callable[..., Library]


def test_an_activation_is_inherited_and_may_be_taken_back(library: Make) -> None:
    made = library(
        relu="base: base\nactivation: relu",
        thin="base: relu\nwidth: 0.5",
        back="base: relu\nactivation: silu",
    )

    assert made.load("thin").activation == "relu"
    assert made.load("back").fingerprint == made.load("base").fingerprint


def test_an_activation_makes_another_network_with_a_baseline(library: Make) -> None:
    made = library(relu="base: base\nactivation: relu")

    assert made.load("relu").fingerprint != made.load("base").fingerprint
    assert made.load("relu").baseline == "base"


def test_a_variant_written_down_keeps_its_activation(
    tmp_path: Path, library: Make, signatures: Signatures
) -> None:
    relu = library(relu="base: base\nactivation: relu").load("relu")

    (tmp_path / "again.yaml").write_text(write(relu))

    again = Library((tmp_path,), signatures=signatures).load("again")
    assert again.architecture == relu.architecture


def test_an_unknown_activation_gets_the_nearest(library: Make) -> None:
    with pytest.raises(SpecError, match="`activation` cannot be 'relo'; did you mean 'relu'"):
        library(child="base: base\nactivation: relo").load("child")

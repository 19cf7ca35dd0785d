from collections.abc import Callable
from pathlib import Path

import pytest

from suite.spec.blocks.signatures import Signatures
from suite.spec.library import Library
from suite.spec.records.variant import Norm
from suite.spec.views.write import write
from suite.yaml.errors import SpecError

Make = Callable[..., Library]


def test_a_norm_is_inherited_and_may_be_taken_back(library: Make) -> None:
    made = library(
        grouped="base: base\nnorm: group",
        thin="base: grouped\nwidth: 0.5",
        back="base: grouped\nnorm: batch",
    )

    assert made.load("thin").norm == Norm("group")
    assert made.load("back").fingerprint == made.load("base").fingerprint


def test_a_norm_makes_another_network_with_a_baseline(library: Make) -> None:
    made = library(
        grouped="base: base\nnorm: group", eight="base: base\nnorm: {kind: group, groups: 8}"
    )

    assert len({made.load(name).fingerprint for name in ("base", "grouped", "eight")}) == 3
    assert made.load("grouped").baseline == "base"


@pytest.mark.parametrize("norm", ["layer", "{kind: group, groups: 8}"])
def test_a_variant_written_down_keeps_its_norm(
    tmp_path: Path, library: Make, signatures: Signatures, norm: str
) -> None:
    normed = library(normed=f"base: base\nnorm: {norm}").load("normed")

    (tmp_path / "again.yaml").write_text(write(normed))

    again = Library((tmp_path,), signatures=signatures).load("again")
    assert again.architecture == normed.architecture


@pytest.mark.parametrize(
    ("norm", "message"),
    [
        ("groop", "`norm` cannot be 'groop'; did you mean 'group'"),
        ("{groups: 4}", "`norm` needs `kind`"),
        ("{kind: layer, groups: 4}", "`groups` are those of the group norm, and the norm is layer"),
        ("{kind: group, groups: 0}", "`groups` is from 1 to 1024, not 0"),
        ("{kind: group, size: 4}", "unknown key 'size'"),
        ("[group]", "`norm` is a word, not a list"),
    ],
)
def test_a_norm_that_cannot_be_is_named(library: Make, norm: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        library(child=f"base: base\nnorm: {norm}").load("child")

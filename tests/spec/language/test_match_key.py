from collections.abc import Callable
from pathlib import Path

import pytest

from suite.spec.blocks.signatures import Signatures
from suite.spec.library import Library
from suite.spec.records.cost import Match
from suite.yaml.errors import SpecError

Make = Callable[..., Library]
MATCHED = "base: base\nmatch: {metric: flops, to: other}"
OTHER = "base: base\nedits: [{set: {tag: p3}, to: {repeat: 1}}]"


def test_a_match_says_whose_cost_is_met_and_how_nearly(library: Make) -> None:
    made = library(
        other=OTHER,
        plain=MATCHED,
        full="base: base\nmatch: {metric: params, to: other, by: width, tolerance: 0.05}",
    )

    assert made.load("plain").match == Match("flops", "other", 0.02)
    assert made.load("full").match == Match("params", "other", 0.05)


def test_a_matched_variant_is_compared_with_the_one_it_is_matched_to(library: Make) -> None:
    variant = library(other=OTHER, matched=MATCHED).load("matched")

    assert (variant.base, variant.baseline) == ("base", "other")


def test_a_match_scales_inherited_channels_to_multiples_of_two_and_no_repeat(library: Make) -> None:
    made = library(other=OTHER, matched=MATCHED)

    scaled = made.scaled(made.load("matched"), 0.53)

    # 0.53 x 64 is 33.92
    assert [layer.out for layer in scaled.layers] == [34, 68, 136, 272, 136, None, 136, None]
    assert [layer.repeat for layer in scaled.layers] == [
        layer.repeat for layer in made.load("base").layers
    ]


def test_a_match_scales_nothing_that_stands_in_its_own_file(library: Make) -> None:
    own = """
        base: base
        match: {metric: flops, to: other}
        edits: [{insert: {block: conv.Conv, out: 512, kernel: 3}, after: {tag: p4}}]
        """
    made = library(other=OTHER, matched=own)

    scaled = made.scaled(made.load("matched"), 0.5)

    assert [layer.out for layer in scaled.part("backbone")] == [32, 64, 128, 256, 512]


def test_no_layer_is_scaled_to_nothing(library: Make) -> None:
    made = library(other=OTHER, matched=MATCHED)

    assert min(layer.out or 2 for layer in made.scaled(made.load("matched"), 0.001).layers) == 2


def test_a_file_from_elsewhere_can_be_scaled_too(library: Make, tmp_path: Path) -> None:
    made = library(other=OTHER)
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "mine.yaml"
    path.write_text(MATCHED)

    assert made.scaled(made.load(path), 2).layers[0].out == 128


def test_a_step_of_a_design_can_be_matched(library: Make) -> None:
    steps = """
        base: base
        design: one-at-a-time
        steps: [{name: same, match: {metric: flops, to: other}}]
        """
    made = library(other=OTHER, family=steps)

    variant = made.load("base_same")

    assert (variant.base, variant.baseline) == ("base", "other")
    assert made.scaled(variant, 0.5).layers[0].out == 32


@pytest.mark.parametrize(
    "child",
    [
        "base: matched",
        "base: base\nbackbone: {of: matched}",
        "base: base\nmatch: {metric: flops, to: matched}",
    ],
)
def test_nothing_builds_on_a_variant_whose_numbers_are_not_final(library: Make, child: str) -> None:
    message = (
        "matched is matched to a cost when it is built, .*; name another, such as base or other"
    )

    with pytest.raises(SpecError, match=message):
        library(other=OTHER, matched=MATCHED, child=child).load("child")


def test_two_variants_cannot_be_matched_to_each_other(library: Make) -> None:
    made = library(
        one="base: base\nmatch: {metric: flops, to: two}",
        two="base: base\nmatch: {metric: flops, to: one}",
    )

    with pytest.raises(SpecError, match="circle or too far: one -> two -> one"):
        made.load("one")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("match: 1", "`match` is a mapping, not 1"),
        ("match: {to: other}", "`match` needs `metric`"),
        ("match: {metric: flops}", "`match` needs `to`"),
        ("match: {metric: flop, to: other}", "`metric` cannot be 'flop'; did you mean 'flops'"),
        ("match: {metric: flops, to: othr}", "no variant 'othr'; did you mean 'other'"),
        (
            "match: {metric: flops, to: other, by: depth}",
            "`by` cannot be 'depth'; did you mean 'width'",
        ),
        ("match: {metric: flops, to: other, tolerance: 0}", "`tolerance` is above 0, not 0"),
        ("match: {metric: flops, to: other, tolerance: 2}", "`tolerance` is from 0 to 1, not 2"),
        ("match: {metric: flops, to: other, size: s}", "unknown key 'size'"),
        ("width: 2\nmatch: {metric: flops, to: other}", "`width` and `match` exclude each other"),
    ],
)
def test_a_match_that_cannot_be_is_named(library: Make, keys: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        library(other=OTHER, child=f"base: base\n{keys}").load("child")


def test_a_file_without_a_base_has_nothing_to_scale(tmp_path: Path, signatures: Signatures) -> None:
    (tmp_path / "alone.yaml").write_text("match: {metric: flops, to: other}")

    with pytest.raises(SpecError, match="`match` scales the base, and there is no `base`"):
        Library((tmp_path,), signatures=signatures).load("alone")


def test_what_a_step_is_combined_with_decides_its_cost_so_it_cannot_be_matched(
    library: Make,
) -> None:
    steps = """
        base: base
        name: all
        design: leave-one-out
        steps: [{name: a, match: {metric: flops, to: other}}, {name: b}]
        """
    with pytest.raises(SpecError, match="unknown key 'match'"):
        library(other=OTHER, family=steps).load("family")

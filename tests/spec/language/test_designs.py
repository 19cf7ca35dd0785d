import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.spec.blocks.signatures import Signatures
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.yaml.errors import SpecError

Make = Callable[..., Library]
STEPS = """\
steps:
  - {name: thin, edits: [{set: {path: backbone.0}, to: {out: 8}}]}
  - {name: flat, title: A flat one, paper: P, edits: [{set: {path: backbone.1}, to: {repeat: 1}}]}
  - {name: slow, edits: [{set: {path: backbone.2}, to: {out: 16}}]}
"""
SWEEP = """\
title: $place with $kernels kernels
base: base
name: $place_k$kernels
axes:
  place:
    all: {kernel: 3}
    back: {kernel: 3, part: backbone}
  kernels: [1, 4]
edits:
  - {replace: $place, with: {block: dynamic.Dynamic, kernels: $kernels}}
"""


def design(kind: str, rest: str = "") -> str:
    return f"title: T\npaper: Q\nbase: base\ndesign: {kind}\n{rest}{STEPS}"


def fail(library: Library, name: str) -> str:
    with pytest.raises(SpecError) as caught:
        library.load(name)
    return str(caught.value)


def first(variant: Variant) -> tuple[int | None, int, int | None]:
    """The numbers that the three steps change: 64, 3 and 256 in the base."""
    return variant.layers[0].out, variant.layers[1].repeat, variant.layers[2].out


def bases(library: Library, *names: str) -> list[str]:
    variants = [library.load(name) for name in names]
    assert all(variant.base == variant.baseline for variant in variants)
    return [variant.base for variant in variants]


def test_a_ladder_builds_each_step_on_the_one_before(library: Make) -> None:
    made = library(family=design("ladder"))

    assert made.names() == ("base", "base_flat", "base_slow", "base_thin")
    assert first(made.load("base_thin")) == (8, 3, 256)
    assert first(made.load("base_flat")) == (8, 1, 256)
    assert first(made.load("base_slow")) == (8, 1, 16)
    assert bases(made, "base_thin", "base_flat", "base_slow") == ["base", "base_thin", "base_flat"]


def test_a_side_branch_carries_no_further_step(library: Make) -> None:
    text = design("ladder").replace("{name: flat,", "{name: flat, on: thin,")
    made = library(family=text)

    assert first(made.load("base_flat")) == (8, 1, 256)
    assert first(made.load("base_slow")) == (8, 3, 16)
    assert bases(made, "base_flat", "base_slow") == ["base_thin", "base_thin"]


def test_one_at_a_time_builds_every_step_on_the_base(library: Make) -> None:
    made = library(family=design("one-at-a-time"))

    assert [first(made.load(f"base_{step}")) for step in ("thin", "flat", "slow")] == [
        (8, 3, 256),
        (64, 1, 256),
        (64, 3, 16),
    ]
    assert bases(made, "base_thin", "base_flat", "base_slow") == ["base"] * 3


def test_leave_one_out_compares_with_all_steps_together(library: Make) -> None:
    made = library(family=design("leave-one-out", "name: all\n"))

    assert first(made.load("base_all")) == (8, 1, 16)
    assert first(made.load("base_all_without_thin")) == (64, 1, 16)
    assert first(made.load("base_all_without_flat")) == (8, 3, 16)
    assert first(made.load("base_all_without_slow")) == (8, 1, 256)
    assert bases(made, "base_all", "base_all_without_flat") == ["base", "base_all"]


def test_a_factorial_makes_every_choice_of_steps(library: Make) -> None:
    made = library(family=design("factorial"))

    assert len(made.names()) == 1 + 7  # 2 x 2 x 2 less the base itself
    assert first(made.load("base_thin_slow")) == (8, 3, 16)
    assert first(made.load("base_thin_flat_slow")) == (8, 1, 16)
    assert bases(made, "base_flat", "base_flat_slow") == ["base", "base"]


def test_a_family_name_stands_before_the_steps(library: Make) -> None:
    assert "base_micro_thin" in library(family=design("ladder", "name: micro\n")).names()


def test_a_step_has_its_own_title_and_paper_or_the_design_s(library: Make) -> None:
    made = library(family=design("ladder"))

    assert [(v.title, v.paper) for v in made.select(["base_thin", "base_flat"])] == [
        ("T: thin", "Q"),
        ("A flat one", "P"),
    ]
    assert library(family=design("factorial")).load("base_thin_slow").title == "T: thin, slow"


def test_axes_make_a_variant_of_every_combination(library: Make) -> None:
    made = library(family=SWEEP)

    assert made.names() == ("base", "base_all_k1", "base_all_k4", "base_back_k1", "base_back_k4")
    (edit,) = made.load("base_back_k4").conv_edits
    assert (edit.select.part, edit.select.kernel, edit.options) == (
        ("backbone",),
        (3,),
        {"kernels": 4},
    )
    assert made.load("base_back_k4").title == "back with 4 kernels"


def test_axes_fill_in_steps_too(library: Make) -> None:
    text = "base: base\ndesign: ladder\naxes: {n: [8, 16]}\nsteps:\n"
    text += "  - {name: out$n, edits: [{set: {path: backbone.0}, to: {out: $n}}]}\n"

    made = library(family=text)
    assert [made.load(f"base_out{n}").layers[0].out for n in (8, 16)] == [8, 16]


def test_the_tree_of_a_sweep_is_the_one_written_out_by_hand(library: Make) -> None:
    hand = "base: base\nedits: [{replace: {kernel: 3}, with: {block: dynamic.Dynamic, kernels: 4}}]"

    made = library(family=SWEEP, hand=hand)
    assert made.load("base_all_k4").fingerprint == made.load("hand").fingerprint


def test_a_step_may_promise_what_it_costs(library: Make) -> None:
    text = design("ladder").replace("name: thin,", "name: thin, expect: {params: 7},")

    assert library(family=text).load("base_thin").expect.params == 7


def test_a_design_promises_by_the_names_of_its_variants(library: Make) -> None:
    made = library(family=SWEEP + "expect:\n  base_all_k4: {params: 7}\n")

    assert made.load("base_all_k4").expect.params == 7
    assert made.load("base_all_k1").expect.params is None


def test_a_promise_for_a_variant_that_is_not_there_is_an_error(library: Make) -> None:
    made = library(family=SWEEP + "expect:\n  base_all_k3: {params: 7}\n")

    assert "error E204: no variant 'base_all_k3' here; did you mean 'base_all_k" in fail(
        made, "family"
    )


def test_origins_of_a_step_are_the_design_and_its_base(tmp_path: Path, library: Make) -> None:
    origins = library(family=design("leave-one-out", "name: all\n")).origins(
        "base_all_without_thin"
    )

    assert origins["edits"] == str(tmp_path / "family.yaml")
    assert origins["backbone"] == str(tmp_path / "base.yaml")


def test_a_later_file_builds_on_a_variant_of_a_design(library: Make) -> None:
    made = library(family=design("ladder"), child="base: base_flat\nfreeze: [neck]")

    assert first(made.load("child")) == (8, 1, 256)


def test_the_name_of_a_design_selects_all_its_variants(tmp_path: Path, library: Make) -> None:
    made = library(family=design("one-at-a-time"))
    names = ["base_thin", "base_flat", "base_slow"]

    assert [variant.name for variant in made.select(["family"])] == names
    assert [variant.name for variant in made.select([str(tmp_path / "family.yaml")])] == names
    assert (
        "'family' is a design of several variants; name one: base_thin, base_flat, base_slow"
        in fail(made, "family")
    )


def test_a_design_from_elsewhere_is_selected_by_its_path(tmp_path: Path, library: Make) -> None:
    other = tmp_path.with_name("elsewhere_design.yaml")
    other.write_text(design("one-at-a-time"))

    assert [variant.name for variant in library().select([str(other)])] == [
        "base_thin",
        "base_flat",
        "base_slow",
    ]


def test_a_later_folder_s_design_stands_in_for_the_earlier_one(
    tmp_path: Path, library: Make, signatures: Signatures
) -> None:
    library(family=design("ladder"))
    later = tmp_path.with_name("later_designs")
    later.mkdir()
    (later / "family.yaml").write_text(textwrap.dedent(design("ladder", "name: new\n")))

    assert Library((tmp_path, later), signatures=signatures).names() == (
        "base",
        "base_new_flat",
        "base_new_slow",
        "base_new_thin",
    )


def test_names_are_unique_after_expansion_regardless_of_case(library: Make) -> None:
    (problem,) = library(family=design("one-at-a-time"), Base_Thin="base: base").problems()

    assert problem.code == "E208"
    assert problem.message.startswith("the name 'base_thin' is taken by ")
    assert problem.mark is not None
    assert problem.mark.line == 6


def test_an_axis_that_no_name_tells_apart_is_an_error(library: Make) -> None:
    made = library(family=SWEEP.replace("name: $place_k$kernels", "name: $place"))

    assert (
        "error E208: the name 'base_all' is made twice; name every axis and step in `name`"
        in fail(made, "family")
    )


def test_a_mistake_names_the_variant_it_shows_in_and_is_told_once(library: Make) -> None:
    made = library(family=SWEEP.replace("kernels: $kernels", "kernals: $kernels"))

    message = fail(made, "base_all_k1")
    assert (
        ":10:54: error E202 in base_all_k1: dynamic.Dynamic has no option 'kernals'; did you"
        in message
    )
    assert len(made.problems()) == 1


def test_a_value_that_fits_nowhere_is_named_for_each_variant(library: Make) -> None:
    made = library(family=SWEEP.replace("kernels: [1, 4]", "kernels: [1, four]"))

    assert made.load("base_all_k1").name == "base_all_k1"
    assert (
        "error E202 in base_all_kfour: dynamic.Dynamic: kernels takes a whole number, not 'four'"
        in fail(made, "base_all_kfour")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (design("stairs"), "family.yaml:4:9: error E101: `design` cannot be 'stairs'; there are: factorial, ladder"),
        (f"base: base\n{STEPS}", "error E103: `steps` need `design`; one of ladder, one-at-a-time"),
        (f"design: ladder\n{STEPS}", "error E103: a design needs `base`"),
        (design("leave-one-out"), "error E103: `design: leave-one-out` needs `name`"),
        (design("ladder", "width: 2\n"), "error E102: unknown key 'width'"),
        (design("factorial").replace("name: thin", "on: x, name: thin"), "error E102: unknown key 'on'"),
        (design("factorial").replace("name: thin", "expect: {}, name: thin"), "error E102: unknown key 'expect'"),
        (design("ladder").replace("name: flat", "on: slow, name: flat"), "error E204: no step 'slow' before this one"),
        (design("ladder").replace("name: flat", "name: thin"), "error E208: the step 'thin' is there twice"),
        (design("ladder").replace("name: flat", "name: a/b"), "error E208: 'a/b' cannot be part of a name"),
        (design("ladder").replace("name: flat, ", ""), "error E103: a step needs `name`"),
        (SWEEP.replace("name: $place_k$kernels\n", ""), "error E103: `axes` need `name`, such as k$kernels"),
        (SWEEP.replace("with: {block: dynamic.Dynamic, kernels: $kernels}", "with: $kernel"), "E211: no axis 'kern"),
        (SWEEP + "depth: $Kernels\n", "error E101"),
        (SWEEP.replace("axes:\n", "axes:\n  spare: [1]\n"), "error E211: nothing uses the axis 'spare'"),
        (SWEEP.replace("[1, 4]", "[]"), "error E103: the axis 'kernels' has no values"),
        (SWEEP.replace("[1, 4]", "[[1], 4]"), "error E101: a value that is no number or word needs a label"),
        (SWEEP.replace("[1, 4]", "[1, a b]"), "error E208: 'a b' cannot be part of a name"),
        (SWEEP.replace("[1, 4]", str(list(range(100)))), "error E005: the axes make 200 variants"),
    ],
)  # fmt: skip
def test_a_design_that_cannot_be_expanded_says_why(library: Make, text: str, message: str) -> None:
    made = library(family=text)

    assert message in "\n".join(map(str, made.problems()))


def test_a_step_that_cannot_be_carried_out_is_named_in_every_variant_that_has_it(
    library: Make,
) -> None:
    made = library(family=design("factorial").replace("path: backbone.2", "tag: p9"))

    assert "error E207 in base_thin_slow: `set` matches no layer" in fail(made, "base_thin_slow")
    assert first(made.load("base_thin_flat")) == (8, 1, 256)


def test_a_factorial_of_many_steps_is_refused(library: Make) -> None:
    steps = "".join(f"  - {{name: s{i}}}\n" for i in range(10))
    made = library(family=f"base: base\ndesign: factorial\nsteps:\n{steps}")

    assert "error E005: 10 steps make more than 128 variants" in fail(made, "family")


def test_a_variant_may_be_called_like_the_file_of_its_design(library: Make) -> None:
    made = library(base_all=design("leave-one-out", "name: all\n"))

    assert made.names() == (
        "base",
        "base_all",
        "base_all_without_flat",
        "base_all_without_slow",
        "base_all_without_thin",
    )
    assert first(made.load("base_all")) == (8, 1, 16)
    assert made.load("base_all_without_thin").baseline == "base_all"


def test_the_name_of_a_designs_file_stands_for_all_its_variants(library: Make) -> None:
    made = library(base_thin=design("one-at-a-time"))

    chosen = [variant.name for variant in made.select(["base_thin"])]
    assert chosen == ["base_thin", "base_flat", "base_slow"]


def test_another_variant_may_build_on_the_one_that_is_called_like_its_file(library: Make) -> None:
    made = library(
        base_all=design("leave-one-out", "name: all\n"), child="base: base_all\nactivation: relu\n"
    )

    assert first(made.load("child")) == (8, 1, 16)


def test_a_plain_file_still_stands_in_for_a_design_of_its_name(
    library: Make, tmp_path: Path, signatures: Signatures
) -> None:
    library(base_all=design("leave-one-out", "name: all\n"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "base_all.yaml").write_text("base: base\nactivation: relu\n")

    made = Library((tmp_path, other), signatures=signatures)
    assert made.load("base_all").activation == "relu"
    assert [variant.name for variant in made.select(["base_all"])] == ["base_all"]


def test_a_design_stands_in_for_a_plain_file_of_its_name(
    library: Make, tmp_path: Path, signatures: Signatures
) -> None:
    library(base_all="base: base\nactivation: relu\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "base_all.yaml").write_text(design("leave-one-out", "name: all\n"))

    made = Library((tmp_path, other), signatures=signatures)
    assert made.load("base_all").activation == ""
    assert len(made.select(["base_all"])) == 4

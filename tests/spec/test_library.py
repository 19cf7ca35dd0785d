import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from suite.spec.blocks.signatures import Signatures
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.spec.views.write import write
from suite.yaml.errors import NoMatchError, SpecError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/yolov5/ops.json").read_text())
Make = Callable[..., Library]
CONV_EDIT = """\
base: base
edits:
  - {replace: {part: [backbone, neck], kernel: 3, count: 2}, with: {block: dynamic.Dynamic}}
schedules:
  - {block: dynamic.Dynamic, set: temperature, from: 30, to: 1, over: 0.1}
"""


def fail(library: Library, name: str) -> str:
    with pytest.raises(SpecError) as caught:
        library.load(name)
    return str(caught.value)


def outs(variant: Variant) -> list[int | None]:
    return [layer.out for layer in variant.layers]


def test_width_scales_channels_up_to_a_multiple_of_8(library: Make) -> None:
    variant = library(child="base: base\nwidth: 0.3").load("child")

    # 64, 128, 256, 512 x 0.3 = 19.2, 38.4, 76.8, 153.6
    assert outs(variant) == [24, 40, 80, 160, 80, None, 80, None]


@pytest.mark.parametrize(("exact", "rounded"), GOLDEN["make_divisible_8"])
def test_scaled_channels_round_as_the_reference_rounds_them(
    library: Make, exact: float, rounded: int
) -> None:
    # of 2 ** 4 channels for every one, so that there is something to scale
    share = Fraction(str(exact)) / 2**4
    line = f"  - {{block: conv.Conv, out: {share.numerator * 2**4}, tag: p3}}\n"
    tail = "  - {block: conv.Conv, out: 8, tag: p4}\n"

    made = library(
        wide=f"base: base\nbackbone:\n{line}{tail}",
        child=f"base: wide\nwidth: {1 / share.denominator}",
    )

    assert outs(made.load("child"))[0] == rounded


def test_a_factor_means_what_is_written(library: Make) -> None:
    thin = "  - {block: conv.Conv, out: 80, tag: p3}\n  - {block: conv.Conv, out: 80, tag: p4}\n"
    made = library(thin=f"base: base\nbackbone:\n{thin}", child="base: thin\nwidth: 0.1")

    assert outs(made.load("child"))[0] == 8  # in binary, 0.1 x 80 is a hair above 8


def test_depth_scales_repeats_above_1_and_keeps_at_least_one(library: Make) -> None:
    variant = library(child="base: base\ndepth: 0.1").load("child")

    # 9 x 0.1 rounds to 1
    assert [layer.repeat for layer in variant.layers] == [1, 1, 1, 1, 1, 1, 1, 1]


def test_scaling_repeats_round_to_the_nearest(library: Make) -> None:
    variant = library(child="base: base\ndepth: 0.67").load("child")

    # 2.01, 6.03, 2.01
    assert [layer.repeat for layer in variant.layers] == [1, 2, 1, 6, 1, 1, 2, 1]


def test_own_lines_are_not_scaled(library: Make) -> None:
    own = "  - {block: conv.Conv, out: 100, repeat: 4, tag: p3}\n  - {block: conv.Conv, out: 100, tag: p4}\n"
    variant = library(child=f"base: base\nwidth: 0.5\ndepth: 0.5\nbackbone:\n{own}").load("child")

    assert outs(variant) == [100, 100, 128, None, 128, None]
    assert variant.layers[0].repeat == 4


def test_scaling_acts_on_the_resolved_base(library: Make) -> None:
    made = library(half="base: base\nwidth: 0.5", quarter="base: half\nwidth: 0.5")

    assert outs(made.load("quarter")) == [16, 32, 64, 128, 64, None, 64, None]


def test_a_width_that_explodes_is_refused(library: Make) -> None:
    assert "`width` 64 makes a layer of 32768 channels" in fail(
        library(child="base: base\nwidth: 64"), "child"
    )


def test_a_part_is_taken_from_another_variant(library: Make) -> None:
    made = library(half="base: base\nwidth: 0.5", mix="base: base\nbackbone: {of: half}")

    assert outs(made.load("mix")) == [32, 64, 128, 256, 256, None, 256, None]


def test_a_borrowed_part_brings_its_edits_and_schedules(library: Make) -> None:
    made = library(dynamic=CONV_EDIT, mix="base: base\nbackbone: {of: dynamic}")

    (edit,) = made.load("mix").conv_edits
    assert (edit.select.part, edit.select.count) == (("backbone",), None)
    assert [schedule.attribute for schedule in made.load("mix").schedules] == ["temperature"]


def test_edits_of_convolutions_are_inherited(library: Make) -> None:
    made = library(dynamic=CONV_EDIT, child="base: dynamic\nwidth: 0.5")

    assert made.load("child").conv_edits == made.load("dynamic").conv_edits
    assert made.load("child").schedules == made.load("dynamic").schedules


def test_an_inherited_edit_does_not_reach_a_part_that_was_replaced(library: Make) -> None:
    own = "  - {block: conv.Conv, out: 64, tag: p3}\n  - {block: conv.Conv, out: 64, tag: p4}\n"
    made = library(dynamic=CONV_EDIT, child=f"base: dynamic\nbackbone:\n{own}")

    (edit,) = made.load("child").conv_edits
    assert (edit.select.part, edit.select.count) == (("neck",), None)


def test_an_inherited_schedule_goes_with_its_block(library: Make) -> None:
    only = CONV_EDIT.replace("[backbone, neck]", "backbone")
    own = "  - {block: conv.Conv, out: 64, tag: p3}\n  - {block: conv.Conv, out: 64, tag: p4}\n"

    assert (
        library(dynamic=only, child=f"base: dynamic\nbackbone:\n{own}").load("child").schedules
        == ()
    )


def test_a_schedule_of_a_block_that_is_not_there_is_an_error(library: Make) -> None:
    text = "base: base\nschedules: [{block: dynamic.Dynamic, set: t, from: 1, to: 2, over: 1}]"

    assert "the variant has no dynamic.Dynamic, which the schedule names" in fail(
        library(child=text), "child"
    )


@pytest.mark.parametrize(
    ("text", "baseline"),
    [
        ("base: base\nwidth: 0.5\ndepth: 0.5\ntitle: T\npaper: P\nexpect: {params: 1}", ""),
        ("base: base\nfreeze: [backbone]", "base"),
        ("base: base\nwidth: 0.5\nedits: [{set: {tag: p3}, to: {repeat: 1}}]", "base"),
        ("base: half\nfreeze: [backbone]", "half"),
    ],
)
def test_the_baseline_is_the_base_of_all_that_does_more_than_scale(
    library: Make, text: str, baseline: str
) -> None:
    made = library(half="base: base\nwidth: 0.5", child=text)

    assert made.load("child").baseline == baseline
    assert made.load("base").baseline == ""


def test_a_size_called_as_a_change_of_its_base_is_compared_with_it(library: Make) -> None:
    made = library(base_wide="base: base\nwidth: 1.5")

    assert made.load("base_wide").baseline == "base"


def test_titles_and_promises_are_not_inherited(library: Make) -> None:
    made = library(
        parent="base: base\ntitle: T\npaper: P\nexpect: {params: 3}\ncontrol: broken",
        child="base: parent",
    )

    child = made.load("child")
    assert (child.title, child.paper, child.expect.params, child.control) == (
        "child",
        "",
        None,
        "broken",
    )


def test_a_replaced_backbone_must_have_the_tags_that_the_neck_needs(library: Make) -> None:
    made = library(child="base: base\nbackbone:\n  - {block: conv.Conv, out: 64, tag: p4}\n")

    message = (
        "child.yaml:2:1: error E206: backbone has no tag 'p3', which the neck needs; there are: p4"
    )
    assert message in fail(made, "child")


@pytest.mark.parametrize(
    ("neck", "message"),
    [
        ("{block: conv.Conv, out: 8, tag: n3}", "neck has no tag 't4', which the head needs"),
        ("{block: conv.Conv, out: 8, tag: p3}", "the tag 'p3' is given twice; first at"),
        (
            "{block: conv.Conv, out: 8, inputs: n3, tag: n3}",
            "reads the tag 'n3' before the line that has it",
        ),
    ],
)
def test_tags_must_be_there_once_and_before_they_are_read(
    library: Make, neck: str, message: str
) -> None:
    assert message in fail(library(child=f"base: base\nneck:\n  - {neck}\n"), "child")


def test_the_head_is_one_line(library: Make) -> None:
    head = "  - {block: conv.Conv, out: 8, inputs: n3}\n  - {block: grid.Grid, inputs: [t4], anchors: [1]}\n"

    assert "`head` is one line, a head; it has 2 lines" in fail(
        library(child=f"base: base\nhead:\n{head}"), "child"
    )


def test_a_missing_base_gets_the_nearest_name(library: Make) -> None:
    assert "child.yaml:1:7: error E204: no variant 'bse'; did you mean 'base'?" in fail(
        library(child="base: bse"), "child"
    )


@pytest.mark.parametrize(
    "base", ["../../etc/passwd", "/etc/passwd", "~/x", "http://x/y", "ba*e", "base.yaml", ".."]
)
def test_a_base_is_a_name_and_never_a_path(library: Make, base: str) -> None:
    assert "error E204: no variant" in fail(library(child=f"base: '{base}'"), "child")


def test_bases_in_a_circle_are_an_error_that_shows_the_way(library: Make) -> None:
    made = library(a="base: b", b="base: c", c="base: a")

    assert "the bases go in a circle or too far: a -> b -> c -> a" in fail(made, "a")
    assert "error E20" in fail(made, "b")


def test_a_long_chain_of_bases_is_refused_and_not_followed_for_ever(library: Make) -> None:
    files = {f"v{i}": f"base: v{i + 1}" for i in range(200)}

    assert "error E204" in fail(library(**files), "v0")


def test_a_wrong_file_stops_only_itself_and_its_children(library: Make) -> None:
    made = library(wrong="base: base\nwidht: 1", child="base: wrong", good="base: base\nwidth: 0.5")

    assert made.names() == ("base", "child", "good", "wrong")
    assert made.load("good").base == "base"
    assert [problem.code for problem in made.problems()] == ["E204", "E102"]
    assert "'wrong' has errors of its own; the first: " in fail(made, "child")


def test_names_are_unique_whatever_the_folder_and_the_case(tmp_path: Path, library: Make) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "Base.yaml").write_text("base: base")

    (problem,) = library().problems()
    assert problem.code == "E208"
    assert "the name 'Base' is taken by" in problem.message


@pytest.mark.parametrize(
    "name", ["x.yml", "X.YAML", "a b.yaml", "-rf.yaml", "$(id).yaml", "é.yaml", f"{'n' * 240}.yaml"]
)
def test_a_file_name_that_cannot_name_a_variant_is_reported(
    tmp_path: Path, library: Make, name: str
) -> None:
    (tmp_path / name).write_text("base: base")

    (problem,) = library().problems()
    assert problem.code == "E208"


def test_a_later_folder_stands_in_for_an_earlier_one(
    tmp_path: Path, library: Make, signatures: Signatures
) -> None:
    library(child="base: base\ntitle: first")
    later = tmp_path.with_name("later")
    later.mkdir()
    (later / "child.yaml").write_text("base: base\ntitle: second")

    assert Library((tmp_path, later), signatures=signatures).load("child").title == "second"


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is no folder of variants"):
        Library((tmp_path / "absent",))


def test_select_takes_names_globs_and_files_and_gives_each_once(
    tmp_path: Path, library: Make
) -> None:
    made = library(child="base: base", chip="base: base")
    other = tmp_path.with_name("elsewhere.yaml")
    other.write_text("base: child")

    found = made.select(["chip", "ch*", str(other), str(tmp_path / "base.yaml"), "base"])
    assert [variant.name for variant in found] == ["chip", "child", "elsewhere", "base"]


def test_a_glob_that_fits_nothing_has_an_error_of_its_own(library: Make) -> None:
    with pytest.raises(NoMatchError, match="no variant fits"):
        library().select(["x*"])


def test_select_names_the_problems_of_all_chosen_files(library: Make) -> None:
    made = library(one="base: base\nwidht: 1", two="base: base\nhieght: 1")

    with pytest.raises(SpecError) as caught:
        made.select(["*"])
    assert len(caught.value.problems) == 2


def test_an_unknown_name_gets_the_nearest_one(library: Make) -> None:
    assert fail(library(), "bsae") == "error E204: no variant 'bsae'; did you mean 'base'?"


def test_origins_tell_the_file_of_each_key(tmp_path: Path, library: Make) -> None:
    made = library(child="base: base\nneck: {of: base}\ntitle: T")

    origins = made.origins("child")
    assert origins["neck"] == origins["title"] == str(tmp_path / "child.yaml")
    assert origins["backbone"] == origins["head"] == str(tmp_path / "base.yaml")


def test_a_title_does_not_change_the_fingerprint_and_a_layer_does(library: Make) -> None:
    made = library(
        titled="base: base\ntitle: T\npaper: P",
        edited="base: base\nedits: [{set: {tag: p3}, to: {repeat: 1}}]",
    )

    assert made.load("titled").fingerprint == made.load("base").fingerprint
    assert made.load("edited").fingerprint != made.load("base").fingerprint


@pytest.mark.parametrize("name", Library().names())
def test_a_resolved_variant_written_down_describes_the_same_network(
    tmp_path: Path, name: str
) -> None:
    library = Library()
    variant = library.load(name)

    (tmp_path / "again.yaml").write_text(write(variant, library.origins(name)))

    again = Library((tmp_path,)).load("again")
    # an open width is written down as 1
    assert again.architecture == replace(variant, match=None).architecture
    assert (again.title, again.paper, again.expect) == (
        variant.title,
        variant.paper,
        variant.expect,
    )


CHANNELS = {"n": (16, 256), "s": (32, 512), "m": (48, 768), "l": (64, 1024), "x": (80, 1280)}
REPEATS = {
    "n": (1, 2, 3, 1),
    "s": (1, 2, 3, 1),
    "m": (2, 4, 6, 2),
    "l": (3, 6, 9, 3),
    "x": (4, 8, 12, 4),
}


@pytest.mark.parametrize("size", "nsmlx")
def test_yolov5_has_the_published_channels_and_repeats(size: str) -> None:
    backbone = Library().load(f"yolov5{size}").part("backbone")

    assert (backbone[0].out, backbone[-1].out) == CHANNELS[size]
    assert tuple(layer.repeat for layer in backbone if layer.block == "c3.C3") == REPEATS[size]


def test_every_shipped_file_is_sound() -> None:
    assert Library().problems() == ()

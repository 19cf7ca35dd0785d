import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.spec.library import Library
from suite.spec.records.variant import ConvEdit, Layer, Selector, Variant
from suite.yaml.errors import SpecError

Edited = Callable[[str], Variant]


@pytest.fixture
def edited(library: Callable[..., Library]) -> Edited:
    """The base of `conftest` with one edit, written in flow style."""
    return lambda edit: library(child=f"base: base\nedits:\n  - {edit}\n").load("child")


def fail(edited: Edited, edit: str) -> str:
    with pytest.raises(SpecError) as caught:
        edited(edit)
    return str(caught.value)


def blocks(variant: Variant) -> list[str]:
    return [f"{layer.part}:{layer.block}" for layer in variant.layers]


def tagged(variant: Variant, tag: str) -> Layer:
    return next(layer for layer in variant.layers if tag in layer.tags)


def test_a_replacement_by_an_operator_is_left_to_the_builder(
    edited: Edited, library: Callable[..., Library]
) -> None:
    variant = edited(
        "{replace: {part: backbone, kernel: 3, count: 2}, with: {block: dynamic.Dynamic, kernels: 1}}"
    )

    select = Selector(part=("backbone",), kernel=(3,), count=2)
    assert variant.conv_edits == (ConvEdit(select, "dynamic.Dynamic", {"kernels": 1}),)
    assert variant.layers == library().load("base").layers


def test_a_block_takes_over_options_of_equal_name(edited: Edited) -> None:
    variant = edited("{replace: {tag: p3}, with: {block: conv.Conv, kernel: 5}}")

    layer = tagged(variant, "p3")
    assert (layer.block, layer.out, layer.repeat, layer.options) == (
        "conv.Conv",
        128,
        3,
        {"kernel": 5},
    )


def test_options_that_the_new_block_lacks_are_dropped(edited: Edited) -> None:
    variant = edited("{replace: {tag: n3}, with: {block: conv.Conv}}")

    assert tagged(variant, "n3").options == {}
    assert tagged(variant, "n3").inputs == ("last", "p3")


def test_a_block_without_stride_cannot_replace_one_that_shrinks(edited: Edited) -> None:
    message = fail(edited, "{replace: {part: backbone, kernel: 6}, with: {block: conv.Slim}}")

    assert "conv.Slim takes no stride, but conv.Conv has stride 2" in message


def test_only_a_head_replaces_a_head(edited: Edited) -> None:
    assert "are not both heads" in fail(
        edited, "{replace: {part: head}, with: {block: conv.Conv, out: 8}}"
    )


def test_a_layer_inserted_after_a_tagged_one_takes_the_tag_and_the_channels(edited: Edited) -> None:
    variant = edited("{insert: {block: conv.Conv, kernel: 3}, after: {tag: p3}}")

    assert blocks(variant)[:4] == [
        "backbone:conv.Conv",
        "backbone:stage.Stage",
        "backbone:conv.Conv",
        "backbone:conv.Conv",
    ]
    assert (variant.layers[1].tags, variant.layers[2].tags, variant.layers[2].out) == (
        {},
        {"p3": 0},
        128,
    )


def test_keep_tag_leaves_the_tag_where_it_was(edited: Edited) -> None:
    variant = edited("{insert: {block: conv.Conv}, after: {tag: p3}, keep_tag: true}")

    assert (variant.layers[1].tags, variant.layers[2].tags) == ({"p3": 0}, {})


def test_a_layer_inserted_before_another_reads_what_that_read(edited: Edited) -> None:
    variant = edited("{insert: {block: conv.Conv, out: 32}, before: {tag: n3}}")

    new = variant.part("neck")[2]
    assert (new.out, new.inputs) == (32, ("last", "p3"))
    assert tagged(variant, "n3").inputs == ("last",)


def test_several_lines_are_inserted_in_order_at_every_match(edited: Edited) -> None:
    variant = edited(
        "{insert: [{block: conv.Conv}, {block: conv.Slim}], after: {part: backbone, block: stage.*}}"
    )

    assert [layer.block for layer in variant.part("backbone")] == [
        "conv.Conv",
        "stage.Stage",
        "conv.Conv",
        "conv.Slim",
        "conv.Conv",
        "stage.Stage",
        "conv.Conv",
        "conv.Slim",
    ]


def test_a_line_inserted_after_one_that_decides_its_channels_must_name_them(edited: Edited) -> None:
    assert "conv.Conv needs `out`" in fail(
        edited, "{insert: {block: conv.Conv}, after: {block: stage.Enlarge}}"
    )


def test_nothing_is_inserted_before_a_block_of_several_maps(edited: Edited) -> None:
    assert "grid.Grid takes several maps" in fail(
        edited, "{insert: {block: conv.Conv, out: 8}, before: {part: head}}"
    )


def test_the_tag_of_a_removed_layer_goes_to_the_one_it_read(edited: Edited) -> None:
    variant = edited("{remove: {tag: p3}}")

    assert variant.layers[0].tags == {"p3": 0}
    assert len(variant.layers) == 7


def test_who_read_a_removed_layer_reads_the_tag_that_it_read(
    library: Callable[..., Library],
) -> None:
    text = """\
        base: base
        edits:
          - {insert: {block: conv.Conv, inputs: p3, tag: extra}, after: {tag: t4}}
          - {set: {tag: n3}, to: {repeat: 1}}
          - {remove: {tag: extra}}
        """
    neck = library(child=text).load("child").part("neck")

    assert [layer.inputs for layer in neck] == [("last",), ("p3",), ("last", "p3")]


def test_a_tag_that_only_the_image_could_take_over_is_lost(library: Callable[..., Library]) -> None:
    backbone = "  - {block: conv.Conv, out: 8, tag: p3}\n  - {block: conv.Conv, out: 8, tag: p4}\n"
    made = library(child=f"base: base\nbackbone:\n{backbone}edits: [{{remove: {{tag: p3}}}}]\n")

    with pytest.raises(SpecError, match="backbone has no tag 'p3', which the neck needs"):
        made.load("child")


def test_a_layer_that_joins_maps_cannot_be_removed(edited: Edited) -> None:
    assert "stage.Stage joins several maps" in fail(edited, "{remove: {tag: n3}}")


def test_set_changes_a_layer_and_leaves_its_other_options(edited: Edited) -> None:
    variant = edited("{set: {tag: n3}, to: {out: 96, repeat: 1, ratio: 0.25}}")

    layer = tagged(variant, "n3")
    assert (layer.out, layer.repeat, layer.options) == (96, 1, {"shortcut": False, "ratio": 0.25})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{ratoi: 0.5}", "stage.Stage has no option 'ratoi'; did you mean 'ratio'?"),
        ("{ratio: much}", "stage.Stage: ratio takes a number, not 'much'"),
        ("{stride: 2}", "stage.Stage takes no `stride`"),
    ],
)
def test_set_accepts_what_the_block_takes(edited: Edited, change: str, message: str) -> None:
    assert message in fail(edited, f"{{set: {{tag: p3}}, to: {change}}}")


@pytest.mark.parametrize(
    ("selector", "addresses"),
    [
        ("{part: [backbone, neck], block: conv.Conv}", [0, 2, 4]),
        ("{block: 'stage.*', part: backbone}", [1, 3]),
        ("{tag: [p3, p4]}", [1, 3]),
        ("{kernel: 1}", [4]),
        ("{kernel: [3, 6]}", [0, 2]),
        ("{stride: 2}", [0, 2]),
        ("{stage: 2, part: [backbone, neck]}", [0, 1, 5, 6]),
        ("{stage: 4, part: backbone}", [2, 3]),
        ("{path: 'backbone.[12]'}", [1, 2]),
        ("{groups: 1, stage: 4}", [2, 4]),
    ],
)
def test_a_selector_chooses_layers_that_fit_all_its_keys(
    library: Callable[..., Library], selector: str, addresses: list[int]
) -> None:
    before = library().load("base").layers
    after = (
        library(child=f"base: base\nedits: [{{set: {selector}, to: {{repeat: 5}}}}]\n")
        .load("child")
        .layers
    )

    assert [
        i for i, (old, new) in enumerate(zip(before, after, strict=True)) if old != new
    ] == addresses


def test_a_selectors_unknown_block_is_told_with_the_files_other_mistakes(edited: Edited) -> None:
    with pytest.raises(SpecError) as caught:
        edited("{remove: {block: conv.Cnv}, xy: 1}")

    assert [problem.code for problem in caught.value.problems] == ["E201", "E102"]
    assert "child.yaml:3:22: error E201: conv.py has no block 'Cnv'; did you mean 'Conv'?" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (
            "{block: stage.Merge}",
            "did you mean 'stage.Enlarge'? there are: conv.Conv, grid.Grid, stage.E",
        ),
        (
            "{block: 'x*'}",
            "none has `block: x*`; there are: conv.Conv, grid.Grid, stage.Enlarge, stage.Stage",
        ),
        ("{kernel: [5, 7]}", "none has `kernel: [5, 7]`; `kernel` is one of: 1, 3, 6"),
        (
            "{tag: p33, stage: 64}",
            "none has `tag: p33`, none has `stage: 64`; did you mean 'p3'? there are: n3, ",
        ),
        (
            "{part: neck, kernel: 6}",
            "none fits `part`, `kernel` together; without `part` it would match 1, without",
        ),
        (
            "{tag: p3, part: neck, kernel: 6}",
            "`part` alone fits 3, `tag` alone fits 1, `kernel` alone fits 1",
        ),
    ],
)
def test_an_edit_that_matches_nothing_says_which_condition_and_what_there_is(
    edited: Edited, selector: str, message: str
) -> None:
    found = fail(edited, f"{{remove: {selector}}}")

    assert "child.yaml:3:5: error E207: `remove` matches no layer: none " in found
    assert message in found


def test_count_pins_the_number_of_matches(edited: Edited) -> None:
    message = fail(edited, "{set: {part: backbone, count: 3}, to: {repeat: 2}}")

    assert "`set` matches 4 layers, but `count` says 3; they are: backbone.0, backbone.1" in message


def test_edits_act_in_order(library: Callable[..., Library]) -> None:
    text = """\
        base: base
        edits:
          - {replace: {tag: p3}, with: {block: conv.Conv}}
          - {set: {tag: p3}, to: {kernel: 7}}
        """

    assert tagged(library(child=text).load("child"), "p3").options == {"kernel": 7}


BLOCK = st.sampled_from(
    ["conv.Conv", "conv.Slim", "stage.Stage", "stage.Enlarge", "stage.Merge", "stage.Backbone"]
)
NUMBERS = st.integers(1, 4)
TAGS = st.sampled_from(["p3", "p4", "t4", "n3", "new", "last"])
SELECTORS = st.fixed_dictionaries(
    {},
    optional={
        "part": st.sampled_from(["backbone", "neck", "head"]),
        "tag": TAGS,
        "stage": st.sampled_from([1, 2, 4]),
        "block": st.sampled_from(["conv.*", "stage.Stage", "grid.Grid"]),
        "stride": NUMBERS,
        "path": st.sampled_from(["backbone.0", "*.1"]),
    },
)
LINES = st.fixed_dictionaries(
    {"block": BLOCK},
    optional={
        "out": NUMBERS,
        "repeat": NUMBERS,
        "stride": NUMBERS,
        "kernel": NUMBERS,
        "tag": TAGS,
        "inputs": TAGS,
    },
)
CHANGES = st.fixed_dictionaries(
    {}, optional={"out": NUMBERS, "stride": NUMBERS, "ratio": NUMBERS, "name": TAGS}
)
EDITS = st.one_of(
    st.fixed_dictionaries({"remove": SELECTORS}),
    st.fixed_dictionaries({"set": SELECTORS, "to": CHANGES}),
    st.fixed_dictionaries({"replace": SELECTORS, "with": LINES}),
    st.fixed_dictionaries({"insert": LINES, "after": SELECTORS}),
    st.fixed_dictionaries({"insert": st.lists(LINES, max_size=2), "before": SELECTORS}),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDITS, max_size=4))
def test_no_edits_raise_anything_but_spec_error(
    library: Callable[..., Library], edits: list[dict[str, object]]
) -> None:
    made = library(child=f"base: base\nedits: {json.dumps(edits)}\n")

    with suppress(SpecError):
        variant = made.load("child")
        assert variant.layers[-1].part == "head"

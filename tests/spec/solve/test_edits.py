import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.spec.library import Library
from suite.spec.records.variant import ConvEdit, Layer, Selector, Variant
from suite.yaml.errors import SpecError
from tests.spec.conftest import BASE

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


SIDE = "{insert: {block: conv.Conv, tag: x4}, after: {tag: t4}, keep_tag: true}\n  - "


def test_set_gives_a_layer_other_inputs(edited: Edited) -> None:
    variant = edited("{set: {tag: n3}, to: {inputs: [p3, p4]}}")

    assert tagged(variant, "n3").inputs == ("p3", "p4")
    assert tagged(variant, "n3").options == {"shortcut": False}


def test_one_input_needs_no_list(edited: Edited) -> None:
    assert tagged(edited("{set: {tag: n3}, to: {inputs: p3}}"), "n3").inputs == ("p3",)


def test_set_moves_an_input_of_the_head_to_a_new_tag(edited: Edited) -> None:
    variant = edited(SIDE + "{set: {part: head}, to: {inputs: {t4: x4}}}")

    assert variant.layers[-1].inputs == ("n3", "x4")
    assert variant.layers[-1].options == {"anchors": [1, 2]}


def test_set_moves_an_input_in_every_layer_of_the_neck_that_reads_it(edited: Edited) -> None:
    variant = edited(
        "{insert: {block: conv.Conv, tag: x3}, after: {tag: p3}, keep_tag: true}\n"
        "  - {set: {part: neck}, to: {inputs: {p3: x3}}}"
    )

    assert [layer.inputs for layer in variant.part("neck")] == [
        ("last",),
        ("last",),
        ("last", "x3"),
    ]


def test_a_move_of_an_input_that_no_layer_reads_is_an_error(edited: Edited) -> None:
    message = fail(edited, "{set: {part: head}, to: {inputs: {n9: p3}}}")

    assert "`inputs` moves 'n9', which grid.Grid does not read; there are: n3, t4" in message


def test_an_input_that_is_moved_to_no_tag_is_an_error(edited: Edited) -> None:
    assert "has no tag 'x9'" in fail(edited, "{set: {part: head}, to: {inputs: {n3: x9}}}")


@pytest.mark.parametrize("inputs", ["[]", "{}"])
def test_inputs_name_at_least_one_tag(edited: Edited, inputs: str) -> None:
    assert "`inputs` names no tag" in fail(
        edited, f"{{set: {{tag: n3}}, to: {{inputs: {inputs}}}}}"
    )


def test_set_names_an_output_that_has_no_tag(edited: Edited) -> None:
    variant = edited(
        "{set: {path: backbone.0}, to: {tag: p2}}\n  - {set: {tag: n3}, to: {inputs: [last, p2]}}"
    )

    assert variant.layers[0].tags == {"p2": 0}
    assert tagged(variant, "n3").inputs == ("last", "p2")


def test_an_output_has_one_name_only(edited: Edited) -> None:
    message = fail(edited, "{set: {tag: p3}, to: {tag: x3}}")

    assert "stage.Stage has the tag p3 already; read that" in message


def test_a_block_in_anothers_place_may_read_something_else(edited: Edited) -> None:
    variant = edited(
        "{replace: {tag: n3}, with: {block: stage.Merge, power: 0.5, inputs: [last, p3, p4]}}"
    )

    assert tagged(variant, "n3").inputs == ("last", "p3", "p4")


@pytest.mark.parametrize("lines", ["{block: conv.Conv, inputs: [last, t4]}",
                                   "[{block: conv.Conv, inputs: t4}, {block: conv.Conv}]"])  # fmt: skip
def test_a_line_that_would_read_itself_is_told_of_keep_tag_and_of_all_tags(
    edited: Edited, lines: str
) -> None:
    message = fail(edited, f"{{insert: {lines}, after: {{tag: t4}}}}")

    wanted = (
        "error E206: `insert` takes the tag 't4' over from the layer that it comes after, and would read "
        "itself; `keep_tag: true` leaves the tag there, `last` is the line above; tags: p3, p4, t4, n3"
    )
    assert wanted in message
    assert len(message.splitlines()) == 1


def test_with_keep_tag_a_line_may_read_the_one_that_it_comes_after(edited: Edited) -> None:
    variant = edited(
        "{insert: {block: conv.Conv, inputs: [p3, t4]}, after: {tag: t4}, keep_tag: true}"
    )

    assert variant.part("neck")[1].inputs == ("p3", "t4")


def test_a_head_without_anchors_keeps_those_of_its_base(library: Callable[..., Library]) -> None:
    made = library(child="base: base\nhead:\n  - {block: grid.Grid, inputs: [n3, t4]}\n")

    assert made.load("child").layers[-1].options == {"anchors": [1, 2]}
    assert made.load("child").fingerprint == made.load("base").fingerprint


def test_the_anchors_of_the_file_go_into_a_head_that_has_none(
    library: Callable[..., Library],
) -> None:
    made = library(
        child="base: base\nanchors: [[1, 2], [3, 4]]\nhead:\n  - {block: grid.Grid, inputs: [n3, t4]}\n"
    )

    assert made.load("child").layers[-1].options == {"anchors": [[1, 2], [3, 4]]}


def test_a_head_of_another_number_of_maps_needs_anchors_of_its_own(
    library: Callable[..., Library],
) -> None:
    made = library(child="base: base\nhead:\n  - {block: grid.Grid, inputs: [n3]}\n")

    with pytest.raises(
        SpecError, match="has anchors for 2 maps, and this head reads 1; write `anch"
    ):
        made.load("child")


def test_the_base_may_have_no_anchors_to_keep(library: Callable[..., Library]) -> None:
    made = library(
        free="base: base\nassigner: simota\nhead:\n  - {block: grid.Free, inputs: [n3, t4]}\n",
        child="base: free\nassigner: yolov5\nhead:\n  - {block: grid.Grid, inputs: [n3, t4]}\n",
    )

    with pytest.raises(SpecError, match="needs the option 'anchors', and the base's head has none"):
        made.load("child")


def test_a_head_of_a_file_without_base_needs_anchors(library: Callable[..., Library]) -> None:
    whole = BASE.replace(", anchors: [1, 2]", "")

    with pytest.raises(SpecError, match=r"grid\.Grid needs the option 'anchors'"):
        library(child=whole).load("child")

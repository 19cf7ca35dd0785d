"""YOLOv5's model files as variants, by rows of our own; tests/nn/weights/test_golden_import.py has published ones."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.spec.blocks.signatures import default_signatures
from suite.spec.library import Library
from suite.spec.records.variant import Layer, Variant
from suite.spec.views.write import write
from suite.spec.yolov5.importer import Imported, import_model
from suite.yaml.errors import SpecError

HEAD = "anchors: [[10, 13, 16, 30]]\n"


def file_of(rows: str, *, head: str = "[[-1], 1, Detect, [nc, anchors]]", more: str = "") -> str:
    """A model file whose backbone is `rows`, one a line."""
    lines = "".join(f"  - {row.strip()}\n" for row in rows.strip().splitlines())
    ends = "".join(f"  - {row.strip()}\n" for row in head.strip().splitlines())
    return f"{'' if 'anchors:' in more else HEAD}{more}backbone:\n{lines}head:\n{ends}"


def imported(text: str) -> Imported:
    return import_model(text, "model.yaml", "model", default_signatures())


def variant_of(rows: str, **parts: str) -> Variant:
    return imported(file_of(rows, **parts)).variant


def first_line(row: str, **parts: str) -> Layer:
    return variant_of(row, **parts).layers[0]


def complaint(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        imported(text)
    return str(caught.value)


def test_a_row_becomes_a_line_with_named_options() -> None:
    layer = first_line("[-1, 1, Conv, [64, 3, 2, 0, 4]]")

    assert (layer.block, layer.out, layer.stride) == ("conv.Conv", 64, 2)
    assert layer.options == {"kernel": 3, "padding": 0, "groups": 4}


def test_what_the_block_takes_anyway_is_not_written() -> None:
    assert first_line("[-1, 1, Conv, [64, 1, 1, None, 1, 1, True]]") == first_line(
        "[-1, 1, Conv, [64]]"
    )


@pytest.mark.parametrize(("width", "channels"), [(0.25, 24), (0.5, 40), (1.0, 72), (1.25, 88)])
def test_channels_are_multiplied_and_rounded_up_to_a_multiple_of_8(
    width: float, channels: int
) -> None:
    assert first_line("[-1, 1, Conv, [70, 3]]", more=f"width_multiple: {width}\n").out == channels


def test_the_multiple_of_channels_may_be_stated() -> None:
    assert (
        first_line("[-1, 1, Conv, [70, 3]]", more="width_multiple: 0.5\nchannel_multiple: 4\n").out
        == 36
    )


@pytest.mark.parametrize(
    ("number", "depth", "repeats"),
    [(9, 0.33, 3), (3, 0.33, 1), (3, 1.33, 4), (1, 3.0, 1), (5, 0.5, 2), (2, 0.1, 1)],
)
def test_numbers_above_one_are_multiplied_rounded_and_at_least_one(
    number: int, depth: float, repeats: int
) -> None:
    assert (
        first_line(f"[-1, {number}, C3, [64]]", more=f"depth_multiple: {depth}\n").repeat == repeats
    )


def test_the_width_of_a_read_out_is_left_alone_as_in_yolov5() -> None:
    more = "nc: 3\nwidth_multiple: 0.5\n"  # 2 anchors a level: 2 · (5 + 3) channels

    assert first_line("[-1, 1, Conv, [16, 3]]", more=more).out == 16


def test_rows_of_the_head_are_the_neck_and_the_detector_is_the_head() -> None:
    layers = variant_of(
        "[-1, 1, Conv, [16, 3, 2]]", head="[-1, 1, Conv, [8]]\n[[-1], 1, Detect, [nc, anchors]]"
    ).layers

    assert [(layer.part, layer.block) for layer in layers] == [
        ("backbone", "conv.Conv"),
        ("neck", "conv.Conv"),
        ("head", "anchor.AnchorHead"),
    ]


PYRAMID = """
[-1, 1, Conv, [16, 3, 2]]
[-1, 1, Conv, [16, 3, 2]]
[-1, 1, Conv, [32, 3, 2]]
[-1, 1, Conv, [64, 3, 2]]
"""
UP_AND_DOWN = """
[-1, 1, Conv, [32]]
[-1, 1, nn.Upsample, [None, 2, 'nearest']]
[[-1, 2], 1, Concat, [1]]
[-1, 1, C3, [32, False]]
[-2, 1, Conv, [8]]
[-1, 1, Conv, [32, 3, 2]]
[[-1, 4], 1, Concat, [1]]
[-1, 1, C3, [64, False]]
[[7, 11], 1, Detect, [nc, anchors]]
"""
TWO_LEVELS = "anchors: [[10, 13], [30, 33]]\n"


def test_rows_that_others_read_get_tags_by_part_and_stride() -> None:
    # row 8 reads row 6, a concatenation, so that has two readers and needs a line of its own
    layers = variant_of(PYRAMID, head=UP_AND_DOWN, more=TWO_LEVELS).layers

    assert [next(iter(layer.tags), "") for layer in layers] == [
        *("", "p2", "p3", "p4"),
        *("t4", "", "t3", "n3", "", "", "n4"),
        "",
    ]
    assert [layer.inputs for layer in layers[4:]] == [
        ("last",),
        ("last",),
        ("last", "p3"),
        ("last",),
        ("t3",),
        ("last",),
        ("last", "t4"),
        ("n3", "n4"),
    ]


def test_a_concatenation_with_one_reader_is_its_inputs() -> None:
    blocks = [
        layer.block for layer in variant_of(PYRAMID, head=UP_AND_DOWN, more=TWO_LEVELS).layers
    ]

    assert blocks.count("join.Join") == 1


def test_a_tag_that_is_taken_gets_the_row_number() -> None:
    rows = """
    [-1, 1, Conv, [8, 3, 4]]
    [0, 1, Conv, [8, 3]]
    [0, 1, Conv, [8, 3]]
    [[0, 1, 2], 1, Concat, [1]]
    [-1, 1, Conv, [8, 1]]
    """
    layers = variant_of(rows).layers

    assert [list(layer.tags) for layer in layers[:3]] == [["b2"], ["b2_1"], []]
    assert layers[3].inputs == ("b2", "b2_1", "last")


def test_a_border_of_zeros_becomes_an_option_of_the_pooling() -> None:
    rows = "[-1, 1, Conv, [8]]\n[-1, 1, nn.ZeroPad2d, [[0, 1, 0, 1]]]\n[-1, 1, nn.MaxPool2d, [2, 1, 0]]"
    layer = variant_of(rows).layers[1]

    assert (layer.block, layer.stride, layer.options) == (
        "maxpool.MaxPool",
        1,
        {"zeros": [0, 1, 0, 1]},
    )


def test_a_pooling_strides_by_its_kernel_where_nothing_is_said() -> None:
    assert first_line("[-1, 1, nn.MaxPool2d, [4]]").stride == 4


def test_copies_that_all_stride_become_lines_of_their_own() -> None:
    layers = variant_of("[-1, 2, nn.MaxPool2d, [2, 2]]").part("backbone")

    assert [(layer.repeat, layer.stride) for layer in layers] == [(1, 2), (1, 2)]


def test_an_even_kernel_keeps_the_padding_of_yolov5() -> None:
    assert first_line("[-1, 1, Conv, [8, 2, 2]]").options == {"kernel": 2, "padding": 1}


def test_a_depthwise_row_has_as_many_groups_as_both_widths_allow() -> None:
    layer = variant_of("[-1, 1, Conv, [24]]\n[-1, 1, DWConv, [16, 3, 2]]").layers[1]

    assert layer.options == {"kernel": 3, "groups": 8}


@pytest.mark.parametrize(
    ("module", "groups"), [("nn.ConvTranspose2d", {}), ("DWConvTranspose2d", {"groups": 0})]
)
def test_a_transposed_convolution_that_keeps_the_channels_is_one_here(
    module: str, groups: dict[str, int]
) -> None:
    layer = variant_of(f"[-1, 1, Conv, [8]]\n[-1, 1, {module}, [8, 4, 4]]").layers[1]

    assert (layer.block, layer.options) == ("transposed.Transposed", {"scale": 4, **groups})


def test_arguments_without_effect_are_dropped() -> None:
    assert first_line("[-1, 1, C3Ghost, [64, False]]").options == {}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("nn.LeakyReLU(0.1)", "leaky_relu"),
        ("nn.ReLU()", "relu"),
        ("torch.nn.Hardswish( inplace=True )", "hardswish"),
        ("nn.SiLU()", "silu"),
    ],
)
def test_the_activation_is_found_in_a_table(written: str, name: str) -> None:
    assert (
        imported(file_of("[-1, 1, Conv, [8]]", more=f"activation: {written}\n")).variant.activation
        == name
    )


def test_numbers_of_anchors_stay_placeholders_with_a_warning() -> None:
    found = imported(file_of("[-1, 1, Conv, [8]]", more="anchors: 3\n"))

    assert found.variant.layers[-1].options == {"anchors": 3}
    assert "placeholders" in found.warnings[0]


def test_anchors_against_the_order_of_strides_are_turned_round_as_yolov5_does() -> None:
    rows = "[-1, 1, Conv, [8, 3, 2]]\n[-1, 1, Conv, [8, 3, 2]]"
    found = imported(
        file_of(
            rows, head="[[0, 1], 1, Detect, [nc, anchors]]", more="anchors: [[30, 33], [10, 13]]\n"
        )
    )

    assert found.variant.layers[-1].options == {"anchors": [[10, 13], [30, 33]]}
    assert "turned round" in found.warnings[0]


def test_the_written_text_is_a_variant_of_the_same_network(tmp_path: Path) -> None:
    variant = variant_of(PYRAMID, head=UP_AND_DOWN, more=TWO_LEVELS + "activation: nn.ReLU()\n")
    path = tmp_path / "model.yaml"
    path.write_text(write(variant))

    assert Library((), extra=path).load("model").fingerprint == variant.fingerprint


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "[-1, 1, Convv, [8]]",
            "5:13: error E201: row 0 is of the module 'Convv', which has no counterpart here; docs/lang",
        ),
        ("[-1, 1, nn.Upsampel, [8]]", "did you mean 'nn.Upsample'?"),
        (
            "[-1, 1, __import__('os').system('ls'), [8]]",
            "row 0 is of the module \"__import__('os').system('ls')\"",
        ),
        ("[-1, 1, os.system, [8]]", "is of the module 'os.system'"),
        ("[-1, 1, Conv]", "row 0 has 3 members; a row is [from, number, module, args]"),
        ("[3, 1, Conv, [8]]", "5:6: error E206: row 0 cannot read from 3; it reads the image: -1"),
        ("[-2, 1, Conv, [8]]", "row 0 cannot read from -2"),
        ("[-1, 0, Conv, [8]]", "the number of row 0 is from 1 to 256, not 0"),
        ("[-1, yes, Conv, [8]]", "the number of row 0 is a whole number, not the word 'yes'"),
        ("[[], 1, Conv, [8]]", "row 0 reads nothing"),
        ("[[-1, -1], 1, Conv, [8]]", "row 0: Conv reads one map, not 2"),
        (
            "[-1, 1, Conv, []]",
            "row 0: Conv takes 1 to 7 arguments, not 0; in this order: out, kernel, stride",
        ),
        ("[-1, 1, Conv, [nc]]", "the channels of row 0 is a whole number, not the word 'nc'"),
        (
            "[-1, 1, Conv, [8, 3, 1, None, 1, 1, False]]",
            "row 0: Conv with act False has no counterpart here",
        ),
        (
            "[-1, 1, Conv, [8, 3, 1, None, 1, 2]]",
            "row 0: Conv with dilation 2 has no counterpart here; only 1 has",
        ),
        ("[-1, 1, Conv, [8, [1, 3]]]", "kernel takes a whole number, not [1, 3]"),
        ("[-1, 1, GhostConv, [8, 2]]", "pads the even kernel 2"),
        (
            "[-1, 1, nn.Upsample, [None, 2, 'bilinear']]",
            "with mode 'bilinear' has no counterpart here; only 'nearest'",
        ),
        (
            "[-1, 1, nn.ConvTranspose2d, [8, 2, 2]]",
            "nn.ConvTranspose2d from 3 to 8 channels has no counterpart here",
        ),
        ("[-1, 1, Conv, [8.5]]", "the channels of row 0 is a whole number, not 8.5"),
        ("[-1, 1, Conv, [8, 1, 2.0]]", "the stride of row 0 is a whole number, not 2.0"),
        ("[-1, 1, Concat, [0]]", "Concat joins channels, [1], and no other dimension"),
        (
            "[-1, 1, nn.ZeroPad2d, [1]]",
            "nn.ZeroPad2d has a counterpart only before a nn.MaxPool2d of its own",
        ),
        (
            "[-1, 1, nn.ZeroPad2d, [[1, 2]]]",
            "nn.ZeroPad2d takes [left, right, top, bottom] in pixels",
        ),
        (
            "[-1, 3, Bottleneck, [8]]",
            "row 0 repeats Bottleneck, but its first copy changes the channels",
        ),
        ("[-1, 1, Conv, [99999]]", "the channels of row 0 is from 1 to 16384, not 99999"),
        ("[-1, 1, Detect, [nc, anchors]]", "a model file ends with one Detect row; it has 2"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(rows: str, message: str) -> None:
    assert message in complaint(file_of(rows, more="nc: 80\nwidth_multiple: 1.0\n"))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("[-1, 1, Conv, [8]]", "a model file ends with one Detect row; it has 0"),
        (
            "[[-1], 1, Detect, [nc, anchors]]\n[-1, 1, Conv, [8]]",
            "it ends with one Detect row; row 1 is not the last",
        ),
        (
            "[[9], 1, Detect, [nc, anchors]]",
            "row 1 cannot read from 9; it can read the rows 0 to 0",
        ),
        (
            "[[0, 0], 1, Detect, [nc, anchors]]",
            "row 1 reads 2 maps, but there are 1 lists of anchors",
        ),
        ("[[-1], 1, Detect, [nc]]", "Detect takes the arguments [nc, anchors]"),
        ("[[-1], 1, Segment, [nc, anchors, 32, 256]]", "row 1 is of the module 'Segment'"),
        (
            "[[-1], 1, Detect, [nc, [[1, 2, 3]]]]",
            "anchors are lists of one length, each of width, height pairs",
        ),
    ],
)
def test_a_head_that_cannot_be_read_is_named(head: str, message: str) -> None:
    assert message.removeprefix("it ") in complaint(file_of("[-1, 1, Conv, [8]]", head=head))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: yolov5s\n", "a YOLOv5 model file needs `backbone`, `head`, `anchors`; is it one?"),
        (file_of("[-1, 1, Conv, [8]]", more="depth: 1\n"), "unknown key 'depth'"),
        (
            file_of("[-1, 1, Conv, [8]]", more="ch: 4\n"),
            "`ch`, the channels of a picture, is from 3 to 3, not 4",
        ),
        (
            file_of("[-1, 1, Conv, [8]]", more="width_multiple: -1\n"),
            "`width_multiple` is from 0 to 64, not -1",
        ),
        (
            file_of("[-1, 1, Conv, [8]]", more="activation: nn.LeakyReLU(0.2)\n"),
            "did you mean 'nn.LeakyReLU(0.1)'?",
        ),
        (file_of("[-1, 1, Conv, [8]]", more="activation: exit()\n"), "no activation 'exit()' here"),
        (file_of("[-1, 1, !!python/name:os.system x, [8]]"), "the tag"),
        ("backbone: &a [*a]\nhead: []\nanchors: 3\n", "refers to itself"),
        ("[" * 10_000, "nested deeper"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(text: str, message: str) -> None:
    assert message in complaint(text)


def test_all_wrong_rows_are_named_at_once() -> None:
    text = file_of("[-1, 1, Conv]\n[-9, 1, Conv, [8]]\n[-1, 0, Conv, [8]]")

    assert complaint(text).count("error E") == 3


WORDS = st.sampled_from(
    ["Conv", "C3", "Concat", "Detect", "nn.ZeroPad2d", "nn.MaxPool2d", "nc", "anchors", "None", "x"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.floats(-2, 2, allow_subnormal=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)
ROWS = st.lists(
    st.tuples(VALUES, st.integers(0, 3) | VALUES, WORDS | VALUES, VALUES).map(list) | VALUES,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(backbone=ROWS, head=ROWS, anchors=VALUES)
def test_whatever_stands_in_the_rows_only_spec_errors_are_raised(backbone, head, anchors) -> None:
    text = yaml.safe_dump(
        {
            "backbone": backbone,
            "head": [*head, [[-1], 1, "Detect", ["nc", "anchors"]]],
            "anchors": anchors,
        }
    )
    with suppress(SpecError):
        imported(text)

"""YOLOX's head in rows: a 1x1 a level, branches for classes and boxes, and `DetectX` become the decoupled head."""

import pytest

from suite.spec.blocks.signatures import default_signatures
from suite.spec.records.variant import Layer, Variant
from suite.spec.yolov5.importer import Imported, import_model
from suite.yaml.errors import SpecError

LEVELS = """
[-1, 1, Conv, [64, 3, 8]]
[-1, 1, Conv, [128, 3, 2]]
[0, 1, Conv, [256, 1, 1]]
[1, 1, Conv, [256, 1, 1]]
[2, 2, Conv, [256, 3, 1]]
[2, 2, Conv, [256, 3, 1]]
[3, 2, Conv, [256, 3, 1]]
[3, 2, Conv, [256, 3, 1]]
"""
HEAD = "[[4, 5, 6, 7], 1, DetectX, [nc, anchors]]"


def text_of(rows: str = LEVELS, head: str = HEAD, more: str = "", anchors: str = "1") -> str:
    lines = "".join(f"  - {row}\n" for row in rows.strip().splitlines())
    return f"anchors: {anchors}\nwidth_multiple: 0.5\n{more}backbone:\n{lines}head:\n  - {head}\n"


def imported(text: str) -> Imported:
    return import_model(text, "model.yaml", "model", default_signatures())


def variant_of(text: str) -> Variant:
    return imported(text).variant


def head_of(text: str) -> Layer:
    return variant_of(text).layers[-1]


def complaint(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        imported(text)
    return str(caught.value)


def test_the_rows_of_the_branches_become_the_head() -> None:
    variant = variant_of(text_of())

    assert [layer.block for layer in variant.layers] == [
        "conv.Conv",
        "conv.Conv",
        "decoupled.DecoupledHead",
    ]
    assert variant.layers[-1].options == {"hidden": 128}  # half of 256; two convolutions a branch


def test_the_head_reads_what_the_levels_read() -> None:
    layers = variant_of(text_of()).layers

    assert layers[-1].inputs == (*layers[0].tags, *layers[1].tags)


def test_yoloxs_head_has_yoloxs_assigner() -> None:
    assert variant_of(text_of()).assigner.name == "simota"


@pytest.mark.parametrize(("depth", "convs"), [(0.33, 1), (0.67, 1), (1.0, 2), (1.33, 3)])
def test_the_depth_multiple_counts_the_convolutions_of_a_branch(depth: float, convs: int) -> None:
    """round(2 · depth), at least 1."""
    options = head_of(text_of(more=f"depth_multiple: {depth}\n")).options

    assert options.get("convs", 2) == convs


def test_a_level_may_read_a_concatenation() -> None:
    rows = """
    [-1, 1, Conv, [64, 3, 8]]
    [-1, 1, Conv, [64]]
    [[-1, 0], 1, Concat, [1]]
    [-1, 1, Conv, [256]]
    [3, 2, Conv, [256, 3]]
    [3, 2, Conv, [256, 3]]
    """

    layers = variant_of(
        text_of(
            "\n".join(row.strip() for row in rows.strip().splitlines()),
            "[[4, 5], 1, DetectX, [nc, anchors]]",
        )
    ).layers

    assert [layer.block for layer in layers[2:]] == ["join.Join", "decoupled.DecoupledHead"]


def test_what_was_taken_for_the_head_and_what_was_left_out_are_told() -> None:
    warnings = imported(text_of(more="loss: ComputeXLoss\n")).warnings

    assert len(warnings) == 2
    assert warnings[0].startswith("row 8: DetectX and the 6 rows of its branches are taken as")
    assert warnings[1].startswith("`loss: ComputeXLoss` is left out")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[3, 2, Conv, [256, 3, 1]]", "[2, 2, Conv, [256, 3, 1]]"),
        ("[3, 2, Conv, [256, 3, 1]]", "[3, 2, Conv, [256, 3, 2]]"),
        ("[3, 2, Conv, [256, 3, 1]]", "[3, 2, Conv, [256, 1, 1]]"),
        ("[3, 2, Conv, [256, 3, 1]]", "[3, 2, C3, [256]]"),
        ("[1, 1, Conv, [256, 1, 1]]", "[1, 1, Conv, [256, 3, 1]]"),
        ("[1, 1, Conv, [256, 1, 1]]", "[1, 2, Conv, [256, 1, 1]]"),
    ],
)
def test_rows_of_another_form_are_no_level(before: str, after: str) -> None:
    said = complaint(text_of(LEVELS.replace(before, after)))

    assert "row 8: DetectX reads the rows" in said
    assert "which are no level of it" in said
    assert "{block: decoupled.DecoupledHead}" in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[3, 2, Conv, [256, 3, 1]]", "[3, 2, Conv, [128, 3, 1]]"),
        ("[3, 2, Conv, [256, 3, 1]]", "[3, 3, Conv, [256, 3, 1]]"),
    ],
)
def test_branches_of_one_head_are_alike(before: str, after: str) -> None:
    said = complaint(text_of(LEVELS.replace(before, after)))

    assert "branches that differ in width or number" in said


def test_a_row_that_another_reads_too_is_no_branch() -> None:
    rows = f"{LEVELS.strip()}\n[7, 1, Conv, [256]]"

    assert "the rows 6 and 7, which are no level" in complaint(text_of(rows))


def test_an_odd_number_of_rows_is_refused() -> None:
    said = complaint(text_of(head="[[4, 5, 6], 1, DetectX, [nc, anchors]]"))

    assert "reads two rows a level, not 3" in said


@pytest.mark.parametrize("anchors", ["3", "[[10, 13, 16, 30], [30, 61, 62, 45]]"])
def test_a_head_without_anchors_takes_none(anchors: str) -> None:
    said = complaint(text_of(anchors=anchors))

    assert "DetectX has no anchors but one prediction a cell; write `anchors: 1`" in said


def test_a_head_that_reads_the_picture_is_no_level() -> None:
    rows = "[-1, 2, Conv, [256, 3, 1]]\n[-1, 2, Conv, [256, 3, 1]]"

    said = complaint(text_of(rows, "[[0, 1], 1, DetectX, [nc, anchors]]"))

    assert "the rows 0 and 1, which are no level" in said


@pytest.mark.parametrize("arguments", ["[nc]", "[]", "[nc, anchors, 3]"])
def test_the_head_takes_two_arguments(arguments: str) -> None:
    said = complaint(text_of(head=f"[[4, 5, 6, 7], 1, DetectX, {arguments}]"))

    assert "DetectX takes the arguments [nc, anchors]" in said

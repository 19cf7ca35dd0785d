"""Anchors are sizes in pixels that go by the strides, wherever they are written."""

from dataclasses import replace
from pathlib import Path

import pytest

from suite.record import Json
from suite.spec.blocks.signatures import default_signatures
from suite.spec.library import VARIANTS, Library
from suite.spec.records.variant import Layer, Variant
from suite.spec.solve.anchors import (
    against_strides,
    anchor_warnings,
    complaint,
    head_strides,
    placeholders_of,
    require_sizes,
    sizes_of,
)
from suite.yaml.errors import SpecError

P5: Json = [
    [10, 13, 16, 30, 33, 23],
    [30, 61, 62, 45, 59, 119],
    [116, 90, 156, 198, 373, 326],
]


@pytest.fixture(scope="module")
def shipped() -> list[Variant]:
    """The shipped variants that promise their strides."""
    library = Library()
    loaded = (library.load(name) for name in library.names())
    return [variant for variant in loaded if variant.expect.strides]


def with_anchors(anchors: Json, name: str = "yolov5p") -> Variant:
    variant = Library().load(name)
    head = replace(variant.layers[-1], options={"anchors": anchors})
    return replace(variant, layers=(*variant.layers[:-1], head))


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(f"base: yolov5p\n{text}\n")
    return path


def test_the_lines_alone_tell_the_strides_that_a_build_finds(shipped: list[Variant]) -> None:
    told = {each.name: head_strides(each.layers, default_signatures()) for each in shipped}

    unlike = {each.name for each in shipped if told[each.name] != each.expect.strides}
    assert all(told[name] is None and "timm" in name for name in unlike)


def test_no_shipped_variant_has_a_warning_about_its_anchors(shipped: list[Variant]) -> None:
    assert [warning for variant in shipped for warning in anchor_warnings(variant)] == []


def test_strides_are_not_told_of_a_block_that_nobody_knows() -> None:
    layers = (
        Layer("mine.Own", "backbone", 8, tags={"p": 0}),
        Layer("anchor.AnchorHead", "head", inputs=("p",)),
    )

    assert head_strides(layers, default_signatures()) is None


@pytest.mark.parametrize("order", [(16, 8, 32), (32, 16, 8), (8, 32, 16)])
def test_anchors_that_do_not_go_by_the_strides_are_told(order: tuple[int, ...]) -> None:
    levels = sizes_of(with_anchors(P5).layers[-1])

    ((message, _),) = [said for said in against_strides(levels, order) if "go by" in said[0]]

    # √((10 · 13 + 16 · 30 + 33 · 23) / 3) = 21.4, and so on
    listed = ", ".join(map(str, order))
    assert message == f"anchors of 21, 62, 233 pixels on average do not go by the strides {listed}"


def test_anchors_in_units_of_the_strides_are_told() -> None:
    levels = [
        [1.25, 1.625, 4.125, 2.875],
        [1.875, 3.8125, 3.6875, 7.4375],
        [3.625, 2.8125, 11.7, 10.2],
    ]

    ((message, hint),) = against_strides(levels, (8, 16, 32))

    assert message == "the anchors at stride 32 are smaller than its cells: 11.7 pixels at most"
    assert hint == "are they in units of the strides? multiply each list by its stride"


@pytest.mark.parametrize("strides", [(8, 16, 32), (32, 16, 8), (16, 16, 16)])
def test_anchors_that_go_by_the_strides_are_no_warning(strides: tuple[int, ...]) -> None:
    levels = [[stride * 2, stride * 3] for stride in strides]

    assert against_strides(levels, strides) == []


def test_a_warning_names_the_variant_and_the_heads_line() -> None:
    (warning,) = anchor_warnings(with_anchors([[116, 90], [30, 61], [10, 13]]))

    assert (warning.code, warning.variant) == ("W303", "yolov5p")
    assert warning.mark is not None


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ("[[0.016, 0.02], [0.05, 0.1], [0.3, 0.58]]", "0.016 is less than one; are they shares"),
        ("[[10, 13], [30, 61], [0.5, 90]]", "0.5 is less than one"),
    ],
)
def test_shares_are_refused_under_anchors_and_in_the_heads_line(
    anchors: str, message: str, tmp_path: Path
) -> None:
    head = "head: [{block: anchor.AnchorHead, inputs: [n3, n4, n5], anchors: %s}]"

    for text in (f"anchors: {anchors}", head % anchors):
        with pytest.raises(SpecError) as caught:
            Library().load(str(written(tmp_path, text)))
        assert message in str(caught.value)
        assert "mine.yaml:2" in str(caught.value)


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ("[[10, 13], [30, 61], [0, 90]]", "pixels, above 0, not 0"),
        ("[[10, 13], [-30, 61], [4, 90]]", "pixels, above 0, not -30"),
        ("[[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]", "the anchors 0, 1, 2, ... are placeholders"),
        ("0", "the number of anchors a level is from 1 to 64, not 0"),
        ("1000", "the number of anchors a level is from 1 to 64, not 1000"),
    ],
)
def test_what_is_no_size_is_refused_in_the_heads_line(
    anchors: str, message: str, tmp_path: Path
) -> None:
    text = f"head: [{{block: anchor.AnchorHead, inputs: [n3, n4, n5], anchors: {anchors}}}]"

    with pytest.raises(SpecError) as caught:
        Library().load(str(written(tmp_path, text)))

    assert message in str(caught.value)


def test_a_variant_with_placeholders_is_sound_and_told_but_not_to_be_trained() -> None:
    variant = with_anchors(3)

    (warning,) = anchor_warnings(variant)

    assert warning.message == "3 anchors a level are placeholders, from which nothing trains"
    with pytest.raises(SpecError, match="has 3 anchors a level that are placeholders"):
        require_sizes(variant)
    require_sizes(with_anchors(P5))


def test_a_head_that_reads_the_maps_backwards_is_told_of_its_anchors(tmp_path: Path) -> None:
    head = (
        "{block: anchor.AnchorHead, inputs: [n5, n4, n3], anchors: [[10, 13], [30, 61], [116, 90]]}"
    )

    (warning,) = anchor_warnings(Library().load(str(written(tmp_path, f"head: [{head}]"))))

    assert warning.message.endswith("do not go by the strides 32, 16, 8")
    assert warning.mark is not None
    assert warning.mark.line == 2


def test_placeholders_of_a_base_are_filled_by_anchors(tmp_path: Path) -> None:
    head = "{block: anchor.AnchorHead, inputs: [n3, n4, n5], anchors: 1}"
    written(tmp_path, f"head: [{head}]")
    (tmp_path / "filled.yaml").write_text("base: mine\nanchors: [[10, 13], [30, 61], [116, 90]]\n")

    filled = Library((VARIANTS, tmp_path)).load("filled")

    require_sizes(filled)
    assert anchor_warnings(filled) == ()


@pytest.mark.parametrize("anchors", [3, [[0.1, 0.2]], [1, 2]])
def test_what_anchors_are_to_a_head_of_the_users_own_is_not_judged(anchors: Json) -> None:
    own = Layer("mine.Head", "head", options={"anchors": anchors})

    assert complaint(own) == ("", "")
    assert (sizes_of(own), placeholders_of(own)) == ((), 0)

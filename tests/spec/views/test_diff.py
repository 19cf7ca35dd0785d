import json
from collections.abc import Callable

import pytest

from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.spec.views.diff import Difference, difference
from suite.spec.views.graph import stored_layers, vertices

Compared = Callable[[str], Difference]


@pytest.fixture
def compared(library: Callable[..., Library]) -> Compared:
    """What a child of the base of `conftest`, of which the further lines are given, has that the base has not."""

    def compare(lines: str) -> Difference:
        made = library(child=f"base: base\n{lines}\n")
        return difference(made.load("child").architecture, made.load("base").architecture)

    return compare


def told(found: Difference) -> list[str]:
    return [str(change) for change in (*found.layers, *found.whole)]


def edits(edit: str) -> str:
    return f"edits: [{edit}]"


def test_a_network_does_not_differ_from_itself(compared: Compared) -> None:
    assert told(compared("title: Another title")) == []


def test_an_inserted_layer_is_the_only_difference_though_it_takes_a_tag_over(
    compared: Compared,
) -> None:
    found = compared(edits("{insert: {block: conv.Conv, kernel: 3}, after: {tag: p3}}"))

    assert told(found) == ["+ backbone.2 conv.Conv: out 128, kernel 3"]
    assert found.kind_at("backbone.2") == "added"
    assert found.kind_at("backbone.1") is None


def test_a_removed_layer_is_named_by_its_address_in_the_base(compared: Compared) -> None:
    assert told(compared(edits("{remove: {tag: p3}}"))) == ["− backbone.1 stage.Stage"]


def test_a_replaced_layer_names_both_blocks_and_what_else_changed(compared: Compared) -> None:
    found = compared(edits("{replace: {tag: n3}, with: {block: conv.Conv, kernel: 5}}"))

    assert told(found) == ["≠ neck.2 stage.Stage → conv.Conv: shortcut false → default, kernel 5"]


def test_a_changed_layer_names_each_key(compared: Compared) -> None:
    found = compared(edits("{set: {tag: p4}, to: {repeat: 1, ratio: 0.25}}"))

    assert told(found) == ["~ backbone.3 stage.Stage: repeat 9 → default, ratio 0.25"]


def test_a_layer_that_reads_another_map_is_changed(compared: Compared) -> None:
    neck = (
        "neck:\n  - {block: conv.Conv, out: 256, tag: t4}\n  - {block: stage.Enlarge}\n"
        "  - {block: stage.Stage, out: 256, repeat: 3, tag: n3, inputs: [last, p4], shortcut: false}"
    )

    assert told(compared(neck)) == ["~ neck.2 stage.Stage: inputs [last, p3] → [last, p4]"]


def test_a_key_of_the_whole_model_is_told_after_the_layers(compared: Compared) -> None:
    found = compared("activation: relu\nfreeze: backbone\nwidth: 0.5")

    assert told(found)[0] == "~ backbone.0 conv.Conv: out 64 → 32"
    assert told(found)[-2:] == ["freeze [backbone]", "activation relu"]


def test_a_backbone_of_other_blocks_is_aligned_at_its_tags(compared: Compared) -> None:
    lines = [f"  - {{block: stage.Merge, out: 64, power: 2, tag: {tag}}}" for tag in ("p3", "p4")]

    found = compared("\n".join(["backbone:", *lines]))

    assert [(c.kind, c.was, c.address) for c in found.layers if c.kind == "replaced"] == [
        ("replaced", "backbone.1", "backbone.0"),
        ("replaced", "backbone.3", "backbone.1"),
    ]
    assert [c.was for c in found.layers if c.kind == "removed"] == ["backbone.0", "backbone.2"]


@pytest.mark.parametrize(
    "name", ["yolov5s", "yolov5s_convnext_t", "yolov5s_timm_ghostnet", "yolov5s_odconv_all_k4"]
)
def test_layers_come_back_from_what_is_stored(name: str) -> None:
    variant: Variant = Library().load(name)

    assert stored_layers(json.loads(json.dumps(variant.architecture))) == variant.layers


def test_a_graph_knows_who_reads_whom(library: Callable[..., Library]) -> None:
    graph = vertices(library().load("base").layers)

    assert [vertex.address for vertex in graph][-4:] == ["neck.0", "neck.1", "neck.2", "head"]
    assert [vertex.sources for vertex in graph] == [
        (-1,),
        (0,),
        (1,),
        (2,),
        (3,),
        (4,),
        (5, 1),
        (6, 4),
    ]

"""An imported network takes the weights of its own model file: every tensor by the row that it was imported from."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from suite.nn.detector import Detector, build
from suite.nn.weights.reference import from_reference, reference_indices, reference_names
from suite.nn.weights.transfer import start_from
from suite.spec.blocks.signatures import default_signatures
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.spec.views.write import write
from suite.spec.yolov5.importer import import_model
from tests.narrowing import opened
from tests.nn.reference_checkpoint import write_reference

JOINS_OF_JOINS = """
backbone:
  - [-1, 1, Conv, [8, 3, 4]]
  - [-1, 1, Conv, [8]]
  - [0, 1, Conv, [8]]
head:
  - [[0, 1], 1, Concat, [1]]
  - [[-1, 2], 1, Concat, [1]]
  - [-1, 1, Conv, [8]]
  - [[-1, 4], 1, Concat, [1]]
  - [[-1, -2], 1, Concat, [1]]
  - [-1, 1, C3, [8]]
  - [[-1], 1, Detect, [nc, anchors]]
"""
JOINS_OF_ONE_MAP = """
backbone:
  - [-1, 1, Conv, [8, 3, 4]]
  - [[-1], 1, Concat, [1]]
  - [-1, 1, Conv, [8]]
  - [[-1], 1, Concat, []]
  - [-1, 1, nn.Upsample, [None, 2]]
head:
  - [-1, 1, Conv, [8]]
  - [[-1], 1, Detect, [nc, anchors]]
"""
SPLIT_ROWS = """
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 2, Conv, [8, 3, 2]]
  - [-1, 3, Bottleneck, [8]]
  - [-1, 1, nn.ZeroPad2d, [[0, 1, 0, 1]]]
  - [-1, 1, nn.MaxPool2d, [2, 1, 0]]
head:
  - [-1, 2, nn.BatchNorm2d, [None]]
  - [[-1], 1, Detect, [nc, anchors]]
"""
FILES = {
    "joins of joins": (JOINS_OF_JOINS, {0, 1, 2, 5, 8, 9}),
    "joins of one map": (JOINS_OF_ONE_MAP, {0, 2, 5, 6}),
    "split rows": (SPLIT_ROWS, {0, 1, 2, 5, 6}),
}
every_file = pytest.mark.parametrize(("text", "rows"), FILES.values(), ids=FILES)


def variant_of(text: str) -> Variant:
    whole = f"nc: 3\nanchors: [[10, 13, 16, 30]]\n{text}"
    return import_model(whole, "model.yaml", "model", default_signatures()).variant


def tensor_names(model: Detector) -> set[str]:
    return set(reference_names(model).values())


@every_file
def test_tensors_have_the_rows_of_the_file(text: str, rows: set[int]) -> None:
    names = tensor_names(build(variant_of(text), 3))

    assert {int(name.split(".")[1]) for name in names} == rows


def test_a_row_of_several_lines_has_its_copies_under_one_number() -> None:
    names = tensor_names(build(variant_of(SPLIT_ROWS), 3))

    assert {"model.1.0.conv.weight", "model.1.1.conv.weight"} <= names
    assert {"model.2.0.cv1.conv.weight", "model.2.2.cv2.bn.weight"} <= names
    assert {"model.5.0.weight", "model.5.1.weight", "model.6.m.0.bias"} <= names


@every_file
def test_a_written_import_takes_its_own_weights_bit_by_bit(
    text: str, rows: set[int], tmp_path: Path
) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(write(variant_of(text)))
    model = build(Library((), extra=path).load("model"), 3, seed=1)
    theirs = state_of(build(variant_of(text), 3, seed=2))

    loaded = from_reference(model, theirs)

    assert {int(name.split(".")[1]) for name in theirs} == rows
    for ours, name in reference_names(model).items():
        if ours != "head.anchors":
            assert torch.equal(loaded[ours], theirs[name])
    assert torch.equal(loaded["head.anchors"], opened(model.head).anchors)


@every_file
def test_a_file_of_yolov5_starts_the_network_that_was_imported_from_its_model_file(
    text: str, rows: set[int], tmp_path: Path
) -> None:
    variant, path = variant_of(text), tmp_path / "best.pt"
    theirs = state_of(build(variant, 3, seed=2))
    write_reference(path, theirs)
    model = build(variant, 3, seed=1)

    start = start_from(model, variant, path)

    assert {int(name.split(".")[1]) for name in theirs} == rows
    assert {report.reason for report in start.tensors} == {""}
    for ours, name in reference_names(model).items():
        if ours != "head.anchors":
            kept = theirs[name].half().float() if theirs[name].is_floating_point() else theirs[name]
            assert torch.equal(model.state_dict()[ours].float(), kept.float())


def state_of(model: Detector) -> dict[str, Tensor]:
    """The state under the reference's names, anchors in cells."""
    names = reference_names(model)
    state = {names[ours]: tensor for ours, tensor in model.state_dict().items()}
    state[names["head.anchors"]] = state[names["head.anchors"]] / model.strides[0]
    return state


def test_a_layer_that_an_edit_adds_is_no_row_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(write(variant_of(JOINS_OF_ONE_MAP)))
    path = tmp_path / "model_more.yaml"
    path.write_text(
        "base: model\nedits: [{insert: {block: conv.Conv, out: 8}, after: {tag: n1}}]\n"
    )
    model = build(Library((tmp_path,)).load("model_more"), 3)

    with pytest.raises(ValueError, match=r"\(conv.Conv\) is no row of the imported file"):
        reference_names(model)


def test_what_is_not_imported_is_counted() -> None:
    model = build(Library().load("yolov5s"), device="meta")

    assert (reference_indices(model)["neck.2"], reference_indices(model)["head"]) == (13, 24)


def test_rows_are_no_part_of_the_network() -> None:
    variant, other = (
        variant_of(JOINS_OF_ONE_MAP),
        variant_of(JOINS_OF_ONE_MAP.replace("8, 3", "8, 5")),
    )

    assert all(layer.row for layer in variant.layers)
    assert "row" not in str(variant.architecture["layers"])
    assert variant.fingerprint != other.fingerprint

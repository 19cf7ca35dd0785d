"""Weights go to the layer that they were trained in, or nowhere: whatever is put around it, whatever else would fit."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from suite.jobs import JobError
from suite.jobs.train import job_errors
from suite.nn.detector import Detector, build
from suite.nn.weights.checkpoint import save_checkpoint
from suite.nn.weights.initial import InitialWeights
from suite.nn.weights.pickles import WeightsError
from suite.nn.weights.slots import slots_of
from suite.nn.weights.transfer import start_from
from suite.spec.library import VARIANTS, Library
from suite.spec.records.variant import Variant
from suite.train.recipe import recipe
from suite.train.run import load_start_weights
from tests.narrowing import opened
from tests.nn.reference_checkpoint import reference_state, write_reference
from tests.nn.reference_fill import fill
from tests.train.trainings import training_of

BASE = "small"
SMALL = "base: yolov5s\nwidth: 0.125\n"  # 8 to 64 channels, so that neighbours often have one shape
PLACES = 10 + 10  # layers of YOLOv5's backbone and neck
CLASSES = 2

Make = Callable[..., Variant]


@pytest.fixture
def variant(tmp_path: Path) -> Make:
    """The small base, or a modification of it: `variant("edits: ...")`."""

    def make(changes: str = "", name: str = "changed", base: str = BASE) -> Variant:
        (tmp_path / f"{BASE}.yaml").write_text(SMALL)
        if not changes:
            return Library((VARIANTS, tmp_path)).load(BASE)
        (tmp_path / f"{name}.yaml").write_text(f"base: {base}\n{changes}\n")
        return Library((VARIANTS, tmp_path)).load(name)

    return make


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Detector, Path]:
    """The base with tensors of which no two are equal, and its checkpoint."""
    folder = tmp_path_factory.mktemp("base")
    (folder / f"{BASE}.yaml").write_text(SMALL)
    model = build(Library((VARIANTS, folder)).load(BASE), CLASSES)
    fill(model)
    return model, save_checkpoint(folder / "base.safetensors", model, {})


def by_role(model: Detector) -> dict[tuple[str, str], Tensor]:
    """Every tensor by the role of its layer and its name within the layer."""
    state = model.state_dict()
    return {(slot.role, slot.name): state[name] for name, slot in slots_of(model).items()}


def started(
    variant: Variant, path: Path, classes: int = CLASSES
) -> tuple[Detector, InitialWeights, dict[str, Tensor]]:
    """The network after the start from `path`, what became of it, and its tensors before."""
    model = build(variant, classes, seed=1)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    return model, start_from(model, variant, path), before


def assert_own_tensors(
    model: Detector, start: InitialWeights, base: Detector, before: dict[str, Tensor]
) -> None:
    """What was loaded is what the base has in the same role; what was not is as it was."""
    theirs, slots = by_role(base), slots_of(model)
    for fate in start.tensors:
        tensor, slot = model.state_dict()[fate.name], slots[fate.name]
        expected = before[fate.name] if fate.reason else theirs[slot.role, slot.name]
        assert torch.equal(tensor, expected), fate


def address_of(place: int) -> str:
    return f"backbone.{place}" if place < 10 else f"neck.{place - 10}"


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("place", range(PLACES))
def test_a_layer_inserted_anywhere_shifts_no_weights(
    variant: Make, trained: tuple[Detector, Path], place: int, side: str
) -> None:
    base, path = trained
    read = [
        base.graph[source.node].out_channels[0] if source.node >= 0 else 3
        for source in base.graph[place].sources
    ]
    width = sum(read) if side == "before" else base.graph[place].out_channels[0]
    edit = f"{{insert: {{block: c3.C3, out: {width}}}, {side}: {{path: {address_of(place)}}}}}"
    changed = variant(f"edits: [{edit}]")

    model, start, before = started(changed, path)

    inserted = [fate for fate in start.tensors if " after " in fate.role or " before " in fate.role]
    assert {fate.role for fate in inserted} == {f"c3.C3 {side} {base.graph[place].role}"}
    assert {fate.reason for fate in inserted} == {"the file has no such layer"}
    assert [fate for fate in start.tensors if fate.reason and fate not in inserted] == []
    assert_own_tensors(model, start, base, before)


@pytest.mark.parametrize("place", [1, 2, 4, 6, 8, 9])
def test_a_removed_layer_leaves_the_others_their_own_weights(
    variant: Make, trained: tuple[Detector, Path], place: int
) -> None:
    base, path = trained
    changed = variant(f"edits: [{{remove: {{path: backbone.{place}, count: 1}}}}]")

    model, start, before = started(changed, path)

    gone = base.graph[place].role
    assert {skipped.role for skipped in start.skipped} - {"head"} <= {
        gone,
        base.graph[min(place + 1, 9)].role,
    }
    assert (gone, "the network has no such layer") in {(s.role, s.reason) for s in start.skipped}
    assert_own_tensors(model, start, base, before)


def test_a_replaced_layer_stays_at_its_own_start_even_where_shapes_fit(
    variant: Make, trained: tuple[Detector, Path]
) -> None:
    base, path = trained
    changed = variant(
        "edits: [{replace: {block: sppf.SPPF}, with: {block: spp.SPP, kernels: [5, 9, 13]}}]"
    )

    model, start, before = started(changed, path)

    left = {(fate.role, fate.reason) for fate in start.tensors if fate.reason}
    assert left == {("backbone.p5.sppf.SPPF", "a spp.SPP, in the file a sppf.SPPF")}
    assert_own_tensors(model, start, base, before)


def test_convolutions_replaced_inside_a_block_stay_at_their_own_start(
    variant: Make, trained: tuple[Detector, Path]
) -> None:
    base, path = trained
    edit = "{replace: {part: backbone, block: c3.C3, kernel: 3}, with: {block: odconv.ODConv, kernels: 1}}"
    changed = variant(f"edits: [{edit}]")

    model, start, before = started(changed, path)

    left = {fate.name for fate in start.tensors if fate.reason}
    replaced = {name for name, module in model.named_modules() if type(module).__name__ == "ODConv"}
    # as many bottlenecks as the C3 of the backbone have at depth 0.33: 1 + 2 + 3 + 1
    assert len(replaced) == 7
    assert left == {
        name for name in before if name.startswith(tuple(f"{path}." for path in replaced))
    }
    assert_own_tensors(model, start, base, before)


def test_of_two_equal_lines_of_a_stage_neither_is_taken_for_a_single_one(
    variant: Make, trained: tuple[Detector, Path]
) -> None:
    """A backbone written out again with one C3 more: which of the two would be the base's?"""
    _, path = trained
    changed = variant(
        """backbone:
  - {block: conv.Conv, out: 8, stride: 2, kernel: 6, padding: 2}
  - {block: conv.Conv, out: 8, stride: 2, kernel: 3}
  - {block: c3.C3, out: 8, tag: p2}
  - {block: conv.Conv, out: 16, stride: 2, kernel: 3}
  - {block: c3.C3, out: 16, repeat: 2}
  - {block: c3.C3, out: 16, repeat: 2, tag: p3}
  - {block: conv.Conv, out: 32, stride: 2, kernel: 3}
  - {block: c3.C3, out: 32, repeat: 3, tag: p4}
  - {block: conv.Conv, out: 64, stride: 2, kernel: 3}
  - {block: c3.C3, out: 64}
  - {block: sppf.SPPF, out: 64, tag: p5}"""
    )

    _, start, _ = started(changed, path)

    left = {fate.role for fate in start.tensors if fate.reason}
    assert left == {"backbone.p3.c3.C3.1of2", "backbone.p3.c3.C3.2of2"}


def test_a_level_more_does_not_shift_the_outputs_of_the_head(
    variant: Make, trained: tuple[Detector, Path]
) -> None:
    """Without level 32, the second output is still that of stride 16."""
    base, path = trained
    anchors = "[[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119]]"
    changed = variant(f"head: [{{block: anchor.AnchorHead, inputs: [n4, n5], anchors: {anchors}}}]")

    model, start, _ = started(changed, path)

    assert start.share == 1
    assert torch.equal(opened(model.head).outputs[0].weight, opened(base.head).outputs[1].weight)


def test_another_number_of_classes_leaves_only_the_outputs(
    variant: Make, trained: tuple[Detector, Path]
) -> None:
    _, path = trained

    _, start, _ = started(variant(), path, classes=CLASSES + 1)

    assert {fate.role for fate in start.tensors if fate.reason} == {"head"}
    assert {fate.reason for fate in start.tensors if fate.name == "head.outputs.0.bias"} == {
        f"shape {3 * (5 + CLASSES + 1)}, in the file {3 * (5 + CLASSES)}"
    }


def test_other_channels_leave_what_does_not_fit_and_say_the_shapes(
    variant: Make, trained: tuple[Detector, Path]
) -> None:
    base, path = trained
    changed = variant("edits: [{set: {tag: p3}, to: {out: 24}}]")

    model, start, before = started(changed, path)

    reasons = {fate.name: fate.reason for fate in start.tensors}
    assert reasons["backbone.5.conv.weight"] == "shape 32x24x3x3, in the file 32x16x3x3"
    assert reasons["backbone.5.norm.weight"] == ""
    assert_own_tensors(model, start, base, before)


def test_the_modification_s_own_checkpoint_starts_it_whole(variant: Make, tmp_path: Path) -> None:
    changed = variant(
        "edits: [{insert: [{block: eca.ECA}, {block: c3.C3}], after: {tag: [p3, p4]}}]"
    )
    model = build(changed, CLASSES, seed=0)
    path = save_checkpoint(tmp_path / "own.safetensors", model, {})

    again, start, _ = started(changed, path)

    assert start.share == 1
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_stacked_copies_are_numbered_within_their_line(variant: Make, tmp_path: Path) -> None:
    """A line with one copy has the first of a line with three."""
    edit = "edits: [{{insert: {{block: mobilenetv2.InvertedResidual, expand: 2, repeat: {}}}, after: {{tag: p3}}}}]"
    three, one = variant(edit.format(3), "three"), variant(edit.format(1), "one")
    model = build(three, CLASSES, seed=0)
    path = save_checkpoint(tmp_path / "three.safetensors", model, {})

    again, start, _ = started(one, path)

    assert start.share == 1
    assert {s.reason for s in start.skipped} - {"the anchors are the variant's own"} == {
        "the network has nothing of this kind in the layer"
    }
    assert_own_tensors(again, start, model, {})


def test_yolov5_s_own_file_starts_a_modification_of_that_size(tmp_path: Path) -> None:
    base = build(Library().load("yolov5n"), 80, seed=0)
    fill(base)
    path = tmp_path / "yolov5n.pt"
    write_reference(path, reference_state(base))
    (tmp_path / "mine.yaml").write_text(
        "base: yolov5n\nedits: [{insert: {block: cbam.CBAM}, after: {tag: p3}}]\n"
    )

    model, start, _ = started(Library((VARIANTS, tmp_path)).load("mine"), path, classes=80)

    assert (start.form, start.network) == ("YOLOv5", "yolov5n")
    assert {fate.role for fate in start.tensors if fate.reason} == {
        "cbam.CBAM after backbone.p3.c3.C3"
    }
    mine, theirs = (
        by_role(model)["neck.n5.c3.C3", "0.merge.conv.weight"],
        base.state_dict()["neck.9.merge.conv.weight"],
    )
    assert torch.equal(mine, theirs.half().float())


def test_the_variant_s_own_anchors_hold(tmp_path: Path) -> None:
    base = build(Library().load("yolov5n"), 80, seed=0)
    path = tmp_path / "yolov5n.pt"
    write_reference(path, reference_state(base) | {"model.24.anchors": torch.ones(3, 3, 2)})

    model, start, _ = started(Library().load("yolov5n"), path, classes=80)

    assert torch.equal(opened(model.head).anchors, opened(base.head).anchors)
    assert [(s.name, s.reason) for s in start.skipped] == [
        ("head.anchors", "the anchors are the variant's own")
    ]
    assert start.share == 1


def test_the_record_sums_up_by_stage(variant: Make, trained: tuple[Detector, Path]) -> None:
    base, path = trained

    _, start, _ = started(variant("edits: [{insert: {block: c3.C3}, after: {tag: p3}}]"), path)

    stage = next(stage for stage in start.stages if stage.name == "backbone 8")
    own = sum(p.numel() for node in (3, 4) for p in base.backbone[node].parameters())
    everything = sum(p.numel() for p in base.parameters())
    assert stage.loaded_parameters == own
    assert start.share == everything / (everything + stage.parameters - own)
    assert json.loads(json.dumps(start.as_json))["stages"][0][0] == "backbone 2"


def test_a_file_of_which_nothing_fits_is_refused(
    variant: Make, trained: tuple[Detector, Path]
) -> None:
    _, path = trained
    text = """backbone: [{block: stem.Patchify, out: 8, stride: 16, tag: x}, {block: se.SE, tag: p}]
neck: []
head: [{block: implicit.ImplicitHead, inputs: p, anchors: [[1, 2]]}]"""

    with pytest.raises(WeightsError, match="holds small, of which nothing belongs to changed"):
        started(variant(text), path)


def test_values_that_are_no_numbers_are_refused(variant: Make, tmp_path: Path) -> None:
    model = build(variant(), CLASSES)
    with torch.no_grad():
        opened(model.backbone)[0].conv.weight[0] = float("nan")
    path = save_checkpoint(tmp_path / "nan.safetensors", model, {})

    with pytest.raises(
        WeightsError, match=r"no numbers in 1 tensors, first backbone.0.conv.weight"
    ):
        started(variant(), path)


@pytest.mark.parametrize("name", ["absent.safetensors", "absent.pt"])
def test_a_missing_file_is_named(variant: Make, tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match=f"{name}: no such file; .* never downloaded"):
        started(variant(), tmp_path / name)


def test_weights_that_changed_after_planning_are_refused(
    variant: Make, trained: tuple[Detector, Path], tmp_path: Path
) -> None:
    """A result must not be stored under the hash of other weights than it began with."""
    model, path = trained
    started = replace(variant(), weights=str(path))
    training = training_of(started, recipe("tiny"), weights_sha256="another")

    with (
        pytest.raises(JobError, match="has changed since the run was planned"),
        job_errors(),
    ):
        load_start_weights(training, model)

"""timm's weights files: into `timm.Backbone` by name, into our own ConvNeXt by a table, whole or not at all."""

import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from suite.nn.detector import build
from suite.nn.weights.pickles import WeightsError
from suite.nn.weights.transfer import start_from
from suite.spec.library import VARIANTS, Library
from suite.spec.records.variant import Variant
from tests.narrowing import opened

TIMM = """
base: yolov5n
backbone:
  - {block: timm.Backbone, name: NAME, tags: {p3: 1, p4: 2, p5: 3}, indices: INDICES}
"""
CONVNEXT = """
base: yolov5n
backbone:
  - {block: stem.Patchify,       out: 40,  stride: 4}
  - {block: convnext.ConvNeXt,   out: 40,  repeat: 2, layer_scale: 1.0e-6}
  - {block: convnext.Downsample, out: 80,  stride: 2}
  - {block: convnext.ConvNeXt,   out: 80,  repeat: 2, tag: p3}
  - {block: convnext.Downsample, out: 160, stride: 2}
  - {block: convnext.ConvNeXt,   out: 160, repeat: DEPTH, tag: p4}
  - {block: convnext.Downsample, out: 320, stride: 2}
  - {block: convnext.ConvNeXt,   out: 320, repeat: 2, tag: p5}
"""
ATTO = {"DEPTH": "6"}
RESNET = {"NAME": "resnet18", "INDICES": "[1, 2, 3, 4]"}
TAGGED = {"NAME": "convnext_atto", "INDICES": "[0, 1, 2, 3]"}


def variant(folder: Path, text: str, words: dict[str, str], edits: str = "") -> Variant:
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    (folder / "mine.yaml").write_text(text + edits)
    return Library((VARIANTS, folder)).load("mine")


def classifier(name: str) -> torch.nn.Module:
    """timm's model with batch norms that have seen something, every tensor drawn from one generator."""
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) * 0.1 + 0.01)
    return model.eval()


def saved(folder: Path, model: torch.nn.Module) -> Path:
    path = folder / "model.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)
    return path


@pytest.mark.parametrize("words", [RESNET, TAGGED], ids=lambda words: words["NAME"])
def test_a_backbone_of_timm_gives_the_features_of_the_file_s_classifier(
    tmp_path: Path, words: dict[str, str]
) -> None:
    whole = opened(classifier(words["NAME"]))
    mine = variant(tmp_path, TIMM, words)
    model = build(mine, 4, seed=0).eval()

    start = start_from(model, mine, saved(tmp_path, whole))

    images = torch.rand(1, 3, 64, 64)
    last = whole.forward_features(images)
    torch.testing.assert_close(model.backbone[0](images)[-1], last, rtol=1e-5, atol=1e-5)
    assert {fate.stage.partition(" ")[0] for fate in start.tensors if fate.reason} == {
        "neck",
        "head",
    }
    assert {s.reason for s in start.skipped} <= {"belongs to no layer of a detector"}


def test_our_own_convnext_gives_the_features_of_timm_s(tmp_path: Path) -> None:
    whole = opened(classifier("convnext_atto"))
    mine = variant(tmp_path, CONVNEXT, ATTO)
    model = build(mine, 4, seed=0).eval()

    start_from(model, mine, saved(tmp_path, whole))

    x = images = torch.rand(1, 3, 64, 64)
    for layer in model.backbone:
        x = layer(x)
    torch.testing.assert_close(x, whole.forward_features(images), rtol=1e-5, atol=1e-5)


def test_a_layer_inserted_into_our_own_convnext_is_none_of_timm_s(tmp_path: Path) -> None:
    edits = "edits: [{insert: {block: convnext.ConvNeXt}, after: {path: backbone.1}}]\n"
    mine = variant(tmp_path, CONVNEXT, ATTO, edits)
    model = build(mine, 4, seed=0)

    start = start_from(model, mine, saved(tmp_path, classifier("convnext_atto")))

    left = {
        fate.name.rpartition(".")[0].split(".")[1]
        for fate in start.tensors
        if fate.reason and "backb" in fate.name
    }
    assert left == {"2"}


@pytest.mark.parametrize("depth", ["5", "7"])
def test_a_convnext_of_another_depth_is_refused(tmp_path: Path, depth: str) -> None:
    mine = variant(tmp_path, CONVNEXT, {"DEPTH": depth})

    with pytest.raises(WeightsError, match="not the weights of mine's backbone"):
        start_from(build(mine, 4), mine, saved(tmp_path, classifier("convnext_atto")))


def test_a_deeper_model_of_equal_names_and_shapes_is_refused(tmp_path: Path) -> None:
    """Every tensor of ResNet-18 is in ResNet-34, where it means something else."""
    mine = variant(tmp_path, TIMM, RESNET)

    with pytest.raises(WeightsError, match=r"timm's resnet18 has no layer.*such tensors"):
        start_from(build(mine, 4), mine, saved(tmp_path, classifier("resnet34")))


def test_the_architecture_that_stands_beside_the_file_must_be_the_backbone_s(
    tmp_path: Path,
) -> None:
    mine = variant(tmp_path, TIMM, RESNET)
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "resnet50"}))

    with pytest.raises(WeightsError, match="it is of resnet50"):
        start_from(build(mine, 4), mine, saved(tmp_path, classifier("resnet18")))


def test_a_variant_without_a_published_backbone_refuses_a_bare_safetensors_file(
    tmp_path: Path,
) -> None:
    mine = Library().load("yolov5n")

    with pytest.raises(
        WeightsError,
        match=r"no backbone of timm; a checkpoint of ours has a model.safetensors.json",
    ):
        start_from(build(mine, 4), mine, saved(tmp_path, classifier("resnet18")))

"""Checkpoints: what is written comes back, what is damaged or foreign is refused, nothing in a file is executed."""

import pickle
from pathlib import Path

import pytest
import torch

from suite.nn.detector import Detector, build
from suite.nn.weights.checkpoint import load_checkpoint, load_weights, save_checkpoint
from suite.nn.weights.pickles import WeightsError, read_reference_checkpoint
from suite.spec.library import Library
from tests.nn.reference_checkpoint import reference_state, write_archive, write_reference
from tests.nn.reference_fill import fill


@pytest.fixture(scope="module")
def model() -> Detector:
    model = build(Library().load("yolov5n"), 3, seed=0)
    fill(model)
    return model


def test_a_checkpoint_gives_back_every_value_and_its_facts(model: Detector, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", model, {"names": ["x", "y", "z"]})
    other = build(Library().load("yolov5n"), 3, seed=1)

    facts = load_weights(other, path)

    assert facts["names"] == ["x", "y", "z"]
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_one_flipped_bit_is_noticed(model: Detector, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", model, {})
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(WeightsError, match="damaged"):
        load_checkpoint(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone.safetensors: no such file"):
        load_checkpoint(tmp_path / "gone.safetensors")


def test_weights_of_another_number_of_classes_are_refused(model: Detector, tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.safetensors", model, {})
    other = build(Library().load("yolov5n"), 4)

    with pytest.raises(WeightsError, match="yolov5n with 3 classes, not yolov5n with 4"):
        load_weights(other, path)


def test_a_reference_checkpoint_loads_through_stand_ins(model: Detector, tmp_path: Path) -> None:
    path = tmp_path / "yolov5n.pt"
    write_reference(path, reference_state(model))
    other = build(Library().load("yolov5n"), 3, seed=1)

    load_weights(other, path)

    expected = {
        k: v.half().float() if v.is_floating_point() else v for k, v in model.state_dict().items()
    }
    actual = other.state_dict()
    for name in (
        "backbone.0.conv.weight",
        "neck.9.blocks.0.mix.norm.running_var",
        "head.outputs.2.bias",
    ):
        assert torch.equal(actual[name], expected[name])
    torch.testing.assert_close(actual["head.anchors"], expected["head.anchors"], rtol=1e-3, atol=0)


def test_an_old_anchor_grid_is_ignored(model: Detector, tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    write_reference(
        path, {**reference_state(model), "model.24.anchor_grid": torch.zeros(3, 1, 3, 1, 1, 2)}
    )

    load_weights(build(Library().load("yolov5n"), 3), path)


def test_weights_of_a_larger_network_are_refused_whole(model: Detector, tmp_path: Path) -> None:
    path = tmp_path / "n.pt"
    write_reference(path, reference_state(model))
    other = build(Library().load("yolov5s"), 3, seed=1)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}

    with pytest.raises(WeightsError, match="another shape"):
        load_weights(other, path)
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())


def test_a_malicious_pickle_is_refused_and_not_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "evil.pt"
    write_archive(path, pickle.dumps(_Evil(f"touch {canary}"), protocol=2), {})

    with pytest.raises(WeightsError, match="system, which no model needs"):
        read_reference_checkpoint(path)
    assert not canary.exists()


def test_a_small_file_cannot_claim_a_large_tensor(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    state = {"model.0.conv.weight": torch.zeros(1, dtype=torch.int64).expand(1000, 1000)}
    write_reference(path, state)

    with pytest.raises(WeightsError, match="larger than its"):
        read_reference_checkpoint(path)


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_a_truncated_file_is_refused(model: Detector, tmp_path: Path, keep: float) -> None:
    path = tmp_path / "half.pt"
    write_reference(path, reference_state(model))
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])

    with pytest.raises(WeightsError, match="not a readable"):
        read_reference_checkpoint(path)


class _Evil:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple:
        import os

        return os.system, (self.command,)

"""Weights that hold a value that is no number: exit code 2 and the tensor's name, in every command that takes some."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from suite.cli.main import main
from suite.datasets.builtin.shapes import ensure
from suite.nn.detector import build
from suite.nn.weights.checkpoint import save_checkpoint
from suite.spec.library import Library
from tests.narrowing import opened
from tests.nn.reference_checkpoint import reference_state
from tests.nn.saved_networks import write
from tests.small_runs import protocol_text

CLASSES = 4  # of the built-in data
TENSOR = "backbone.0.conv.weight"


@pytest.fixture(scope="module", params=["w.safetensors", "w.pt"])
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One channel of the first convolution is NaN."""
    path: Path = tmp_path_factory.mktemp("weights") / request.param
    model = build(Library().load("yolov5p"), CLASSES, seed=0)
    with torch.no_grad():
        opened(model.backbone)[0].conv.weight[0] = math.nan
    if path.suffix == ".pt":
        return write(path, {"model": reference_state(model)})
    return save_checkpoint(path, model, {})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure(tmp_path_factory.mktemp("made") / "data", train=2, val=1, size=64)


Words = Callable[[Path, Path, Path], list[str]]
COMMANDS: dict[str, Words] = {
    "eval": lambda weights, data, _: ["eval", "yolov5p", "--data", str(data)],
    "detect": lambda weights, data, _: ["detect", "yolov5p", str(data / "absent.jpg")],
    "build": lambda weights, data, _: ["build", "yolov5p", "--to", "torch", "--imgsz", "64"],
    "show": lambda weights, data, _: ["show", "yolov5p"],
    "bench": lambda weights, data, _: ["bench", "yolov5p", "--stages", "--data", str(data)],
    "train": lambda weights, data, _: ["train", "yolov5p", "--data", str(data), "--imgsz", "64"],
    "run": lambda weights, data, protocol: ["run", "yolov5p", "--protocol", str(protocol)],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_tensor_that_is_no_number_is_named_and_nothing_runs(
    words: Words,
    weights: Path,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    protocol = tmp_path / "mine.yaml"
    protocol.write_text(protocol_text(seeds="[0]", metrics="[size, accuracy]"))

    code = main([*words(weights, data, protocol), "--weights", str(weights)])

    said = capsys.readouterr().err
    assert (code, "internal error" in said) == (2, False), said
    assert f"{weights.name}: holds values that are no numbers in 1 tensors, first " in said
    assert TENSOR in said or "model.0.conv.weight" in said
    assert not list(tmp_path.rglob("store.sqlite"))

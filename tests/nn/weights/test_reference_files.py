"""YOLOv5's files in every form that people have them: what is sound loads whole, the rest is named for what it is."""

import argparse
import collections
import datetime as dt
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from suite.nn.detector import Detector, build
from suite.nn.weights.checkpoint import load_weights
from suite.nn.weights.pickles import WeightsError, read_reference_checkpoint
from suite.nn.weights.transfer import start_from
from suite.session.detectors import LoadedDetector, load_detector
from suite.spec.library import VARIANTS, Library
from suite.spec.records.variant import Variant
from tests.narrowing import opened
from tests.nn.reference_checkpoint import reference_state, write_archive
from tests.nn.reference_fill import fill
from tests.nn.saved_networks import network, write

CLASSES = 3
NAMES = ["disc", "square", "triangle"]
HEAD = "model.24"
forms = pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Variant:
    """YOLOv5 with 8 to 64 channels."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.yaml").write_text("base: yolov5s\nwidth: 0.125\n")
    return Library((VARIANTS, folder)).load("small")


@pytest.fixture(scope="module")
def model(small: Variant) -> Detector:
    model = build(small, CLASSES, seed=0)
    fill(model)
    return model.eval()


@pytest.fixture(scope="module")
def state(model: Detector) -> dict[str, Tensor]:
    return reference_state(model)


def assert_loads(variant: Variant, path: Path, model: Detector) -> LoadedDetector:
    """Every tensor is what the file holds of it, in half precision."""
    loaded = load_detector(variant, path)
    theirs = model.state_dict()
    for name, tensor in loaded.model.state_dict().items():
        if name == "head.anchors":
            torch.testing.assert_close(tensor, theirs[name], rtol=1e-3, atol=0)
        else:
            expected = theirs[name].half().float() if tensor.is_floating_point() else theirs[name]
            assert torch.equal(tensor, expected), name
    return loaded


def half(state: Mapping[str, Tensor], before: str = "", after: str = "") -> dict[str, Tensor]:
    """A state dict under other names, in half precision."""
    return collections.OrderedDict(
        (before + name.removeprefix(after), tensor.half() if tensor.is_floating_point() else tensor)
        for name, tensor in state.items()
    )


def published(net: nn.Module) -> dict[str, Any]:
    """As release v6.0 wrote yolov5n.pt: a NumPy number among the facts, and pickled by protocol 2."""
    return {
        "epoch": -1,
        "best_fitness": np.float64(0.27),
        "model": net,
        "ema": None,
        "updates": None,
        "optimizer": None,
        "wandb_id": None,
    }


def interrupted(net: nn.Module, average: nn.Module) -> dict[str, Any]:
    """As v7.0 writes last.pt while it trains, and epoch7.pt with --save-period."""
    momentum = torch.zeros(5)
    return {
        "epoch": 7,
        "best_fitness": np.array([0.1]),
        "model": net,
        "ema": average,
        "updates": np.int64(1000),
        "optimizer": {
            "state": collections.defaultdict(dict, {0: {"momentum_buffer": momentum}}),
            "param_groups": [{"lr": np.float32(0.01), "params": [0]}],
        },
        "opt": {"imgsz": 640, "save_dir": Path("runs/train/exp"), "lrs": np.linspace(0, 1, 3)},
        "git": {"remote": None, "branch": "master", "commit": b"abc"},
        "date": dt.datetime(2023, 1, 2, tzinfo=dt.UTC),
    }


@forms
def test_a_published_file_with_a_numpy_value_loads(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path, legacy: bool
) -> None:
    path = write(tmp_path / "n.pt", published(network(state)), legacy=legacy)

    assert_loads(small, path, model)


@forms
def test_the_average_of_an_interrupted_training_loads(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path, legacy: bool
) -> None:
    raw = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    path = write(tmp_path / "last.pt", interrupted(network(raw), network(state)), legacy=legacy)

    assert_loads(small, path, model)


def test_an_average_with_its_number_of_updates_loads(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path
) -> None:
    content = {"epoch": 1, "opt": argparse.Namespace(lr=1), "ema": (network(state), 99)}

    assert_loads(small, write(tmp_path / "v4.pt", content), model)


@pytest.mark.parametrize(
    ("before", "after", "suffix", "legacy"),
    [
        ("", "", ".pth", True),
        ("", "model.", ".pth", False),
        ("module.", "", ".pt", True),
        ("model.model.", "", ".pt", False),
        ("_orig_mod.", "", ".pt", False),
        ("module._orig_mod.", "", ".pt", False),
    ],
)
def test_a_state_dict_loads_under_whatever_it_was_wrapped_in(
    small: Variant,
    model: Detector,
    state: dict[str, Tensor],
    tmp_path: Path,
    before: str,
    after: str,
    suffix: str,
    legacy: bool,
) -> None:
    path = write(tmp_path / f"state{suffix}", half(state, before, after), legacy=legacy)

    assert_loads(small, path, model)


@pytest.mark.parametrize("key", ["model", "state_dict"])
def test_a_state_dict_within_a_checkpoint_loads(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path, key: str
) -> None:
    path = write(tmp_path / "w.pt", {"epoch": 3, key: half(state), "optimizer": {}})

    assert_loads(small, path, model)


def test_a_tensor_among_the_facts_is_not_taken_for_the_network(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path
) -> None:
    content = {"best_fitness": torch.tensor(0.1), "model": network(state)}

    assert_loads(small, write(tmp_path / "w.pt", content), model)


def test_a_network_alone_loads(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path
) -> None:
    assert_loads(small, write(tmp_path / "w.pt", network(state)), model)


@forms
def test_a_network_of_data_parallel_loads_and_keeps_its_names(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path, legacy: bool
) -> None:
    wrapped = nn.DataParallel(network(state, names=NAMES))
    path = write(tmp_path / "w.pt", {"model": wrapped}, legacy=legacy)

    assert assert_loads(small, path, model).stated_names == tuple(NAMES)


def test_tensors_that_had_attributes_load(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path
) -> None:
    tensors = half(state)
    tensors["model.0.conv.weight"].stride_of_layer = 2  # type: ignore[attr-defined]

    assert_loads(small, write(tmp_path / "w.pt", tensors), model)


def test_counters_of_thop_are_left_out_and_told(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path
) -> None:
    counted = {**state, "total_ops": torch.zeros(1), "model.0.total_ops": torch.zeros(1)}
    counted["model.0.conv.total_params"] = torch.zeros(1)
    path = write(tmp_path / "w.pt", {"model": network(counted)})

    assert assert_loads(small, path, model).notes == (
        "w.pt: left out, 2 tensors: a counter of thop",
    )
    start = start_from(build(small, CLASSES), small, path)
    assert {s.name for s in start.skipped if s.reason == "a counter of thop"} == {
        "model.0.total_ops",
        "model.0.conv.total_params",
    }


def folded(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `model.fuse()` makes of it: w gamma / sqrt(var + eps), and beta - mean gamma / sqrt(var + eps)."""
    fused = dict(state)
    for name in state:
        if not name.endswith(".bn.running_var"):
            continue
        layer = name.removesuffix("bn.running_var")
        gamma, beta, mean, var = (
            fused.pop(f"{layer}bn.{part}")
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        del fused[f"{layer}bn.num_batches_tracked"]
        scale = gamma / torch.sqrt(var + 1e-3)
        fused[f"{layer}conv.weight"] = state[f"{layer}conv.weight"] * scale[:, None, None, None]
        fused[f"{layer}conv.bias"] = beta - mean * scale
    return fused


def test_a_fused_network_predicts_as_before_it_was_fused(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path
) -> None:
    path = write(tmp_path / "fused.pt", folded(state))
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    loaded = load_detector(small, path)

    with torch.no_grad():
        expected, found = model.predict(image), loaded.model.predict(image)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
    assert loaded.notes == ("fused.pt: was fused; its norms are built as ones that change nothing",)


def test_no_training_starts_from_a_fused_network(
    small: Variant, state: dict[str, Tensor], tmp_path: Path
) -> None:
    path = write(tmp_path / "fused.pt", folded(state))

    with pytest.raises(WeightsError, match=r"was fused for inference.*take the file that the tr"):
        start_from(build(small, CLASSES), small, path)


def segmenting(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same detector with 32 coefficients of masks behind each anchor's outputs, and prototypes."""
    masks = 32
    made = {**state, f"{HEAD}.proto.cv3.conv.weight": torch.rand(masks, 8, 1, 1)}
    made |= {f"{HEAD}.proto.cv1.conv.weight": torch.rand(8, 8, 3, 3)}
    made |= {f"{HEAD}.proto.upsample.bias": torch.rand(8)}
    for level in range(3):
        for part in ("weight", "bias"):
            name = f"{HEAD}.m.{level}.{part}"
            boxes = state[name].reshape(3, 5 + CLASSES, *state[name].shape[1:])
            more = torch.rand(3, masks, *boxes.shape[2:])
            made[name] = torch.cat((boxes, more), 1).flatten(0, 1)
    return made


def test_a_segmentation_model_gives_its_boxes_and_says_that_masks_are_left_out(
    small: Variant, model: Detector, state: dict[str, Tensor], tmp_path: Path
) -> None:
    kinds = {"": "models.yolo.SegmentationModel", HEAD: "models.yolo.Segment"}
    path = write(tmp_path / "seg.pt", {"model": network(segmenting(state), kinds, names=NAMES)})

    loaded = assert_loads(small, path, model)

    assert loaded.notes == (
        "seg.pt: left out, 3 tensors: of the masks of a segmentation model, whose boxes are used",
    )


def with_focus(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As before v6.0: 12 channels of a quarter of the pixels, and a kernel of 3."""
    rest = {name: tensor for name, tensor in state.items() if not name.startswith("model.0.")}
    stem = {
        f"model.0.conv{name.removeprefix('model.0')}": tensor
        for name, tensor in state.items()
        if name.startswith("model.0.")
    }
    stem["model.0.conv.conv.weight"] = torch.rand(8, 12, 3, 3).half().float()
    return {**stem, **rest, f"{HEAD}.anchor_grid": torch.zeros(3, 1, 3, 1, 1, 2)}


@pytest.fixture
def focused(tmp_path: Path) -> Variant:
    (tmp_path / "focused.yaml").write_text(
        "base: yolov5s\nwidth: 0.125\nedits:\n  - replace: {path: backbone.0}\n"
        "    with: {block: focus.Focus, kernel: 3, stride: 2}\n"
    )
    return Library((VARIANTS, tmp_path)).load("focused")


def test_a_network_with_a_focus_stem_loads_where_the_tensors_fit(
    focused: Variant, state: dict[str, Tensor], tmp_path: Path
) -> None:
    old = with_focus(state)
    kinds = {"": "models.yolo.Model", "model.0": "models.common.Focus"}
    path = write(tmp_path / "v5.pt", {"model": network(old, kinds)})

    loaded = load_detector(focused, path)

    stem = opened(loaded.model.backbone)[0].mix
    assert torch.equal(stem.conv.weight, old["model.0.conv.conv.weight"])
    start = start_from(build(focused, CLASSES), focused, path)
    assert (start.network, start.share) == ("focused", 1)


def test_a_focus_stem_in_a_variant_without_one_says_how_to_get_one(
    small: Variant, state: dict[str, Tensor], tmp_path: Path
) -> None:
    path = write(tmp_path / "v5.pt", with_focus(state))

    with pytest.raises(WeightsError, match=r"has a Focus stem.*`import` its model file"):
        load_detector(small, path)
    with pytest.raises(WeightsError, match="has a Focus stem: `import` its model file"):
        start_from(build(small, CLASSES), small, path)


def test_another_activation_is_refused_as_no_tensor_tells(
    small: Variant, state: dict[str, Tensor], tmp_path: Path
) -> None:
    net = network(state)
    opened(net).model._modules["0"].act = nn.Hardswish()

    with pytest.raises(WeightsError, match="with the activation Hardswish, which small does not"):
        load_detector(small, write(tmp_path / "v3.pt", {"model": net}))


@pytest.mark.parametrize(
    ("names", "stated"),
    [
        (NAMES, tuple(NAMES)),
        (dict(enumerate(NAMES)), tuple(NAMES)),
        (["0", "1", "2"], ()),
        (["class0", "class1", "class2"], ()),
        (NAMES[:2], ()),
        ([1, 2, 3], ()),
        ({1: "a", 2: "b", 3: "c"}, ()),
        (None, ()),
    ],
)
def test_class_names_are_the_file_s_where_it_states_one_for_each(
    small: Variant, state: dict[str, Tensor], tmp_path: Path, names: object, stated: tuple[str, ...]
) -> None:
    loaded = load_detector(small, write(tmp_path / "w.pt", {"model": network(state, names=names)}))

    assert loaded.stated_names == stated
    assert loaded.class_names == (stated or ("class 0", "class 1", "class 2"))


def test_a_value_that_is_no_number_is_named_with_its_tensor(
    model: Detector, state: dict[str, Tensor], tmp_path: Path
) -> None:
    broken = {**state, "model.0.conv.weight": state["model.0.conv.weight"] * math.nan}
    path = write(tmp_path / "w.pt", broken)

    with pytest.raises(
        WeightsError, match=r"no numbers in 1 tensors, first backbone\.0\.conv\.weight"
    ):
        load_weights(model, path)


def torchscript(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py", "version"):
            archive.writestr(f"model/{name}", b"\x80\x02}.")


def renamed(state: Mapping[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    return {name.replace(old, new): tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ultralytics", "a network of ultralytics .* yolov5s.pt in the place of yolov5su.pt"),
        ("classifier", "a classification model, which has no boxes; take the detector"),
        ("torchscript", "a TorchScript export, which is code; take the .pt file"),
        ("optimizer", "holds no model; .* here there is: epoch, optimizer"),
        ("foreign", "holds no YOLOv5 network: no tensor has a name such as model.0.conv.weight"),
        ("arrays", "holds no model"),
        ("web page", "it is a web page, so that the download went wrong"),
        ("lfs", "it is a pointer of Git LFS"),
        ("safetensors", "it is a .safetensors file; give it that ending"),
        ("empty", "it is empty"),
        ("pickle", "it is a pickle that torch has not written; save it by torch.save"),
        ("quantised", "holds quantised tensors; take the file from before it was quantised"),
    ],
)
def test_what_cannot_be_loaded_is_named_for_what_it_is(
    state: dict[str, Tensor], tmp_path: Path, kind: str, said: str
) -> None:
    path = tmp_path / "w.pt"
    contents: dict[str, object] = {
        "ultralytics": {**half(state), f"{HEAD}.dfl.conv.weight": torch.ones(1, 16, 1, 1)},
        "classifier": {
            "model.0.conv.weight": torch.ones(1),
            "model.9.linear.weight": torch.ones(1),
        },
        "optimizer": {"epoch": 3, "optimizer": {"state": {}}},
        "foreign": renamed(state, "model.", "backbone_"),
        "arrays": {name: tensor.numpy() for name, tensor in state.items()},
    }
    raw = {
        "web page": b"\n<!DOCTYPE html><html><title>Sign in</title></html>",
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "safetensors": b"\x08\0\0\0\0\0\0\0{}      ",
        "empty": b"",
        "pickle": b"\x80\x04}\x94.",
    }
    if kind == "torchscript":
        torchscript(path)
    elif kind in raw:
        path.write_bytes(raw[kind])
    elif kind == "quantised":
        write_archive(path, b"\x80\x02ctorch._utils\n_rebuild_qtensor\n)R.", {})
    else:
        write(path, contents[kind])

    with pytest.raises(WeightsError, match=said):
        read_reference_checkpoint(path)

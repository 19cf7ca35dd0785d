"""YOLOv5n and YOLOv5s against tests/golden/yolov5: structure, every layer's output, decoding, the deployed form."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.nn.deploy import deploy
from suite.nn.detector import Detector, build
from suite.nn.weights.reference import reference_indices, reference_names
from suite.spec.library import Library
from tests.nn.reference_fill import fill, golden, image, statistic

NAMES = ("yolov5n-nc80", "yolov5s-nc80", "yolov5n-nc3")
INPUTS = ("1x3x64x96", "2x3x128x128")
FLOAT32 = 1e-4  # of the largest absolute value
FLOAT64 = 1e-9  # relative


@pytest.fixture(scope="module", params=NAMES)
def case(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Detector, str]:
    expected = golden(request.param)
    model = build(Library().load(expected["model"]), expected["nc"])
    return expected, model, fill(model)


def test_the_state_dict_has_the_references_names_shapes_and_order(case) -> None:
    expected, model, _ = case
    names = reference_names(model)

    actual = [[names[ours], list(tensor.shape)] for ours, tensor in model.state_dict().items()]

    assert actual == expected["state_dict"]


def test_the_filled_values_are_the_references_bit_for_bit(case) -> None:
    expected, _, sha256 = case

    assert sha256 == expected["fill_sha256"]


def test_parameters_are_counted_as_trained_and_as_deployed(case) -> None:
    expected, model, _ = case

    counts = (_parameters(model), _parameters(deploy(model)))

    assert counts == (expected["params"], expected["params_fused"])


def test_the_deployed_state_dict_has_the_references_number_of_entries(case) -> None:
    expected, model, _ = case

    assert len(deploy(model).state_dict()) == expected["state_dict_entries_fused"]


def test_parameters_are_counted_by_layer(case) -> None:
    expected, model, _ = case
    indices = reference_indices(model)
    by_index = {index: params for index, _, _, params in expected["layers"] if params}

    actual = {indices[n.address]: _parameters(model.get_submodule(n.address)) for n in model.graph}

    assert {index: count for index, count in actual.items() if count} == by_index


def test_strides_and_anchors_are_the_references(case) -> None:
    expected, model, _ = case
    strides = torch.tensor(model.strides)

    assert list(model.strides) == expected["stride"]
    units = (model.head.anchors / strides[:, None, None]).flatten(1)
    torch.testing.assert_close(units, torch.tensor(expected["anchors_grid_units"]))


def test_every_batch_norm_has_the_references_eps_and_momentum(case) -> None:
    expected, model, _ = case

    pairs = {(m.eps, m.momentum) for m in model.modules() if isinstance(m, nn.BatchNorm2d)}

    assert pairs == {tuple(pair) for pair in expected["bn_eps_momentum"]}


@pytest.mark.parametrize("size", INPUTS)
@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_every_layer_gives_the_references_output(case, size: str, precision: str) -> None:
    expected, model, _ = case
    forward = expected["forward"][size]

    outputs, raw, decoded = _run(model, image(size), precision)

    for index, _, *row in forward[f"layers_{precision}"]:
        if index in outputs:
            _compare(statistic(outputs[index]), row, precision)
    for level, row in zip(raw, forward[f"raw_heads_{precision}"], strict=True):
        _compare(statistic(level), row, precision)
    _compare(statistic(decoded), forward[f"decoded_{precision}"], precision)
    first = decoded.flatten()[:50].tolist()
    absolute = FLOAT32 * forward[f"decoded_{precision}"][3] if precision == "f32" else 0
    assert first == pytest.approx(
        forward[f"decoded_first50_{precision}"], rel=FLOAT64, abs=absolute
    )


@pytest.mark.parametrize("size", INPUTS)
def test_the_last_boxes_sum_to_the_references(case, size: str) -> None:
    expected, model, _ = case

    _, _, decoded = _run(model, image(size), "f64")

    sums = decoded[-1, -5:].sum(-1).tolist()
    assert sums == pytest.approx(
        expected["forward"][size]["decoded_row_sums_last5_f64"], rel=FLOAT64
    )


def test_the_deployed_form_decodes_to_the_references_boxes(case) -> None:
    expected, model, _ = case
    images = image("2x3x128x128")

    with torch.no_grad():
        deployed = deploy(model).predict(images)
        trained = model.eval().predict(images)

    _compare(statistic(deployed), expected["fused_decoded_f32"], "f32")
    assert (deployed - trained).abs().max().item() <= 2 * expected["fused_max_abs_difference"]


def _run(
    model: Detector, images: Tensor, precision: str
) -> tuple[dict[int, Tensor], tuple[Tensor, ...], Tensor]:
    """Each layer's output by the reference's number, concatenations included; the raw maps; the decoded boxes."""
    model = (model.double() if precision == "f64" else model.float()).eval()
    indices = reference_indices(model)
    outputs: dict[int, Tensor] = {}

    def keep(number: int, node) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            outputs[number] = output
            if len(node.sources) > 1:
                outputs[number - 1] = inputs[0]

        return hook

    hooks = [
        model.get_submodule(node.address).register_forward_hook(keep(indices[node.address], node))
        for node in model.graph
        if node.part != "head"
    ]
    with torch.no_grad():
        raw = model(images.to(next(model.parameters()).dtype))
        decoded = model.head.decode(raw)
    for hook in hooks:
        hook.remove()
    model.float()
    assert len(outputs) == 24  # every layer but the head
    return outputs, raw, decoded


def _compare(
    actual: tuple[list[int], float, float, float], expected: list[Any], precision: str
) -> None:
    shape, *numbers = actual
    assert shape == expected[0]
    absolute = FLOAT32 * expected[3] if precision == "f32" else FLOAT64 * expected[3]
    assert numbers == pytest.approx(expected[1:], rel=0, abs=absolute)


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())

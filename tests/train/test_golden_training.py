"""One training-mode pass of YOLOv5n and YOLOv5s against tests/golden/yolov5: loss parts, gradients, groups."""

from typing import Any

import pytest
import torch
from torch import Tensor

from suite.nn.detector import Detector, build
from suite.nn.weights.reference import reference_names
from suite.spec.library import Library
from suite.train.losses.assign import Priors
from suite.train.losses.loss import DetectionLoss
from suite.train.optim import parameter_groups
from suite.train.recipe import recipe
from tests.narrowing import opened
from tests.nn.reference_fill import fill, golden, image, statistic

LOSS = 1e-4  # relative
GRADIENT = 1e-3  # relative


@pytest.fixture(scope="module", params=("yolov5n-nc80", "yolov5s-nc80", "yolov5n-nc3"))
def case(
    request: pytest.FixtureRequest,
) -> tuple[dict[str, Any], Detector, tuple[Tensor, ...], Tensor, Tensor]:
    """The golden file; the model after one forward and backward pass; its raw maps, total and parts."""
    expected = golden(request.param)
    model, raw, total, parts = _pass(expected, torch.float32)
    total.backward()
    return expected["loss"], model, raw, total, parts


def test_raw_maps_in_training_mode_are_the_references(case) -> None:
    expected, _, raw, *_ = case

    for level, (shape, *numbers) in zip(raw, expected["train_outputs_f32"], strict=True):
        actual_shape, *actual = statistic(level.detach())
        assert actual_shape == shape
        assert actual == pytest.approx(numbers, rel=0, abs=1e-4 * numbers[2])


def test_the_gains_are_scaled_as_the_references(case) -> None:
    expected, model, *_ = case

    settings = recipe("scratch-low").loss.scaled(
        classes=model.classes, levels=3, image_size=expected["imgsz"]
    )

    assert (settings.box, settings.objectness, settings.classes) == pytest.approx(
        expected["hyp_box_obj_cls"]
    )


def test_the_loss_and_its_parts_are_the_references(case) -> None:
    expected, _, _, total, parts = case

    assert parts.tolist() == pytest.approx(expected["box_obj_cls"], rel=LOSS)
    assert total.item() == pytest.approx(expected["total"], rel=LOSS)


def test_the_parts_in_float64_are_the_references(request: pytest.FixtureRequest) -> None:
    for name in ("yolov5n-nc80", "yolov5n-nc3"):
        expected = golden(name)

        *_, parts = _pass(expected, torch.float64)

        assert parts.tolist() == pytest.approx(
            expected["loss"]["box_obj_cls_f64_predictions"], rel=1e-6
        )


def test_gradients_are_the_references(case) -> None:
    expected, model, *_ = case
    names = {theirs: ours for ours, theirs in reference_names(model).items()}
    parameters = dict(model.named_parameters())
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters.values()])

    assert norm.item() == pytest.approx(expected["grad_norm"], rel=GRADIENT)
    for theirs, total in expected["grad_abs_sum"]:
        assert parameters[names[theirs]].grad.abs().sum().item() == pytest.approx(
            total, rel=GRADIENT
        ), theirs


def test_the_first_norm_moves_its_mean_as_the_reference(case) -> None:
    expected, model, *_ = case

    first = model.backbone[0].norm.running_mean[:5].tolist()

    assert first == pytest.approx(expected["running_mean_after_one_step"], rel=1e-4)


@pytest.mark.parametrize("name", ["yolov5n-nc80", "yolov5s-nc80", "yolov5n-nc3"])
def test_the_optimiser_groups_are_the_references(name: str) -> None:
    expected = golden(name)
    model = build(Library().load(expected["model"]), expected["nc"], device="meta")

    groups = [
        (g.kind, len(g.parameters), sum(p.numel() for p in g.parameters))
        for g in parameter_groups(model)
    ]

    assert groups == [
        (g["kind"], g["tensors"], g["elements"]) for g in expected["optimizer_groups"]
    ]


def _pass(
    expected: dict[str, Any], dtype: torch.dtype
) -> tuple[Detector, tuple[Tensor, ...], Tensor, Tensor]:
    model = build(Library().load(expected["model"]), expected["nc"])
    fill(model)
    model.to(dtype).train()
    settings = recipe("scratch-low").loss.scaled(
        classes=expected["nc"], levels=3, image_size=expected["loss"]["imgsz"]
    )
    loss = DetectionLoss(Priors(opened(model.head).anchors, model.strides), settings)
    raw = model(image("2x3x128x128").to(dtype))
    total, parts = loss(raw, torch.tensor(expected["loss"]["targets"], dtype=torch.float32))
    return model, raw, total, parts

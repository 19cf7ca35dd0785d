"""Assignment and loss against every case of `loss_on_given_predictions` in tests/golden/yolov5/ops.json."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from suite.train.losses.assign import Priors, assign
from suite.train.losses.loss import DetectionLoss
from suite.train.recipe import LossSettings
from tests.narrowing import present
from tests.nn.reference_fill import uniform

CASES = json.loads((Path(__file__).parents[2] / "golden/yolov5/ops.json").read_text())[
    "loss_on_given_predictions"
]
SHAPES = [(16, 16), (8, 8), (4, 4)]
ANCHORS = [[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119], [116, 90, 156, 198, 373, 326]]
PRIORS = Priors(torch.tensor(ANCHORS, dtype=torch.float32).view(3, 3, 2), (8, 16, 32))
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"].split()[0])


def predictions(classes: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    maps = [
        (uniform(f"pred:{classes}:{i}", (2, 3, s, s, classes + 5)) - 0.5) * 6
        for i, (s, _) in enumerate(SHAPES)
    ]
    return [torch.from_numpy(m.astype(np.float32)).to(dtype).requires_grad_() for m in maps]


def targets(case: dict[str, Any]) -> Tensor:
    return torch.tensor(case["targets"], dtype=torch.float32).reshape(-1, 6)


def settings(case: dict[str, Any]) -> LossSettings:
    hyp = case["hyp"]
    return LossSettings(
        box=hyp["box"],
        objectness=hyp["obj"],
        classes=hyp["cls"],
        scale_gains=False,
        objectness_positive_weight=hyp["obj_pw"],
        classes_positive_weight=hyp["cls_pw"],
        anchor_threshold=hyp["anchor_t"],
        focal_gamma=hyp["fl_gamma"],
        label_smoothing=hyp["label_smoothing"],
        autobalance=case["case"].startswith("autobalance"),
    )


def one_target(centre_x: float, centre_y: float, width: float = 0.2, height: float = 0.2) -> Tensor:
    return torch.tensor([[0, 1, centre_x, centre_y, width, height]])


@each_case
def test_total_and_parts_equal_the_reference(case: dict[str, Any]) -> None:
    loss = DetectionLoss(PRIORS, settings(case))
    for _ in range(3 if "autobalance" in case["case"] else 1):
        total, parts = loss(predictions(case["nc"]), targets(case))

    assert total.item() == pytest.approx(case["total"], rel=1e-5)
    assert parts.tolist() == pytest.approx(case["box_obj_cls"], rel=1e-5, abs=1e-9)


@each_case
def test_gradients_of_the_maps_equal_the_reference(case: dict[str, Any]) -> None:
    loss, raw = DetectionLoss(PRIORS, settings(case)), predictions(case["nc"])
    for _ in range(2 if "autobalance" in case["case"] else 0):
        loss(raw, targets(case))
    loss(raw, targets(case))[0].backward()

    norms = [present(level.grad).norm().item() for level in raw]
    assert norms == pytest.approx(case["grad_norm_per_level"], rel=1e-5)


@each_case
def test_as_many_predictions_answer_as_in_the_reference(case: dict[str, Any]) -> None:
    found = assign(targets(case), SHAPES, PRIORS, case["hyp"]["anchor_t"])

    place = torch.stack((found.level, found.image, found.anchor, *found.cell.unbind(1)), 1)
    unique = torch.unique(place, dim=0)[:, 0]
    assert list(found.counts) == case["matches_per_level"]
    repeated = [count - int((unique == level).sum()) for level, count in enumerate(found.counts)]
    assert repeated == case["repeated_cells_per_level"]


def test_every_assignment_is_the_references() -> None:
    case = next(case for case in CASES if case["case"] == "plain-nc3")
    listed = next(value for key, value in case.items() if key.startswith("assignment_per_level"))

    found = assign(targets(case), SHAPES, PRIORS, case["hyp"]["anchor_t"])

    column, row = found.cell.unbind(1)
    rows = torch.cat(
        (torch.stack((found.image, found.anchor, row, column, found.label), 1).double(), found.box),
        1,
    )
    for level, expected in enumerate(listed):
        actual = sorted(rows[found.level == level].tolist())
        assert torch.tensor(actual) == pytest.approx(torch.tensor(sorted(expected)), abs=1e-5)


def test_autobalance_moves_the_weights_as_the_reference() -> None:
    case = next(case for case in CASES if case["case"].startswith("autobalance"))
    loss = DetectionLoss(PRIORS, settings(case))

    for _ in range(3):
        loss(predictions(case["nc"]), targets(case))

    assert loss.balance.tolist() == pytest.approx(case["balance_after"], rel=1e-5)


def test_two_levels_take_the_first_two_weights_of_the_long_balance() -> None:
    priors = Priors(PRIORS.anchors[:2], (8, 16))

    assert DetectionLoss(priors, LossSettings()).balance.tolist() == [4.0, 1.0]


def test_a_box_answers_in_its_cell_and_the_two_nearest() -> None:
    found = assign(
        one_target(0.53, 0.64), [(10, 10)], Priors(torch.tensor([[[20.0, 20.0]]]), (10,))
    )

    # centre 5.3, 6.4 in cells of 10 pixels: cell 5, 6, the one to the left and the one above
    assert found.cell.tolist() == [[5, 6], [4, 6], [5, 5]]
    torch.testing.assert_close(found.box[:, :2], torch.tensor([[0.3, 0.4], [1.3, 0.4], [0.3, 1.4]]))


def test_a_box_in_the_corner_has_no_neighbours_outside_the_map() -> None:
    found = assign(
        one_target(0.02, 0.98), [(10, 10)], Priors(torch.tensor([[[20.0, 20.0]]]), (10,))
    )

    assert found.cell.tolist() == [[0, 9]]


@pytest.mark.parametrize(
    ("side", "answers"), [(0.79, True), (0.81, False), (0.051, True), (0.049, False)]
)
def test_an_anchor_answers_for_boxes_up_to_four_times_larger_or_smaller(
    side: float, answers: bool
) -> None:
    found = assign(
        one_target(0.55, 0.55, 0.2, side), [(10, 10)], Priors(torch.tensor([[[20.0, 20.0]]]), (10,))
    )

    assert (sum(found.counts) > 0) is answers


def test_a_box_without_area_has_no_answer() -> None:
    found = assign(one_target(0.5, 0.5, 0.0, 0.0), SHAPES, PRIORS)

    assert found.counts == (0, 0, 0)


def test_maps_that_are_not_square_place_boxes_by_rows_and_columns() -> None:
    found = assign(
        one_target(0.875, 0.5, 0.25, 0.5), [(2, 4)], Priors(torch.tensor([[[32.0, 32.0]]]), (32,))
    )

    assert found.cell[0].tolist() == [3, 1]
    assert found.box[0].tolist() == [0.5, 0.0, 1.0, 1.0]


def test_gains_scale_with_classes_levels_and_image_size() -> None:
    scaled = LossSettings(box=0.05, objectness=1.0, classes=0.5).scaled(
        classes=20, levels=4, image_size=320
    )

    assert (scaled.box, scaled.objectness, scaled.classes) == (
        0.05 * 3 / 4,
        0.25 * 3 / 4,
        0.5 * 3 / 4 * 20 / 80,
    )


def test_gains_stay_where_the_recipe_says_so() -> None:
    plain = LossSettings(scale_gains=False)

    assert plain.scaled(classes=3, levels=3, image_size=128) is plain


def test_gradient_keeps_the_memory_order_of_the_maps() -> None:
    maps = [
        torch.randn(2, 27, s, s).to(memory_format=torch.channels_last).requires_grad_()
        for s, _ in SHAPES
    ]
    seen = []
    views = [level.unflatten(1, (3, -1)).permute(0, 1, 3, 4, 2) for level in maps]
    for view in views:
        view.register_hook(
            lambda gradient, view=view: seen.append(gradient.stride() == view.stride())
        )

    DetectionLoss(PRIORS, LossSettings())(views, one_target(0.5, 0.5))[0].backward()

    assert seen == [True, True, True]


def test_half_precision_maps_are_reduced_in_single_precision() -> None:
    case = next(case for case in CASES if case["case"] == "plain-nc3")
    raw = predictions(3, torch.bfloat16)

    total, _ = DetectionLoss(PRIORS, settings(case))(raw, targets(case))
    total.backward()

    assert total.dtype == torch.float32
    assert present(raw[0].grad).dtype == torch.bfloat16
    assert total.item() == pytest.approx(case["total"], rel=1e-2)


def test_gradients_agree_with_finite_differences() -> None:
    priors = Priors(torch.tensor([[[12.0, 20.0]]], dtype=torch.float64), (8,))
    loss = DetectionLoss(
        priors, LossSettings(scale_gains=False, focal_gamma=1.5, label_smoothing=0.1)
    )
    raw = torch.randn(
        1, 1, 3, 3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(3)
    )
    boxes = one_target(0.51, 0.52, 0.5, 0.6).double()

    def of_class_scores(scores: Tensor) -> Tensor:
        return loss([torch.cat((raw[..., :5], scores), -1)], boxes)[0]

    assert torch.autograd.gradcheck(of_class_scores, raw[..., 5:].clone().requires_grad_())


def test_a_batch_without_any_target_still_teaches_the_background() -> None:
    raw = [torch.zeros(1, 3, s, s, 8, requires_grad=True) for s, _ in SHAPES]

    total, parts = DetectionLoss(PRIORS, LossSettings(objectness=1, scale_gains=False))(
        raw, torch.zeros(0, 6)
    )
    total.backward()

    assert parts.tolist() == pytest.approx([0, math.log(2) * (4 + 1 + 0.4), 0])
    assert present(raw[0].grad)[..., 4].min() > 0


def test_of_two_boxes_that_share_their_cells_the_last_is_what_objectness_learns() -> None:
    """They lie in one place and differ by little, so that both are found by the same anchors of the same cells."""
    first, last = one_target(0.53, 0.53, 0.2, 0.2), one_target(0.53, 0.53, 0.25, 0.15)
    maps = predictions(3, torch.float64)

    def objectness(*boxes: Tensor) -> float:
        return DetectionLoss(PRIORS, LossSettings())(maps, torch.cat(boxes))[1][1].item()

    assert objectness(first, last) == pytest.approx(objectness(last), rel=1e-7)
    assert objectness(last, first) == pytest.approx(objectness(first), rel=1e-7)
    assert objectness(first) != pytest.approx(objectness(last), rel=1e-5)


def test_cells_that_are_shared_are_settled_alike_by_any_number_of_threads() -> None:
    generator = torch.Generator().manual_seed(0)
    places = 0.2 + 0.6 * torch.rand(6000, 4, generator=generator)
    crowd = torch.cat((torch.zeros(6000, 2), places), 1)
    maps = predictions(1)
    threads = torch.get_num_threads()

    def objectness(count: int) -> float:
        torch.set_num_threads(count)
        return DetectionLoss(PRIORS, LossSettings())(maps, crowd)[1][1].item()

    try:
        alone, *others = [objectness(1), *(objectness(2) for _ in range(20))]
    finally:
        torch.set_num_threads(threads)

    assert others == pytest.approx([alone] * 20, rel=1e-6)

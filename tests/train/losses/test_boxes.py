"""The box losses against their papers' formulas, written out box by box in plain Python."""

import math
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from suite.spec.records.objective import BoxKind, Loss
from suite.train.losses.assign import Priors
from suite.train.losses.boxes import BoxLoss
from suite.train.losses.loss import DetectionLoss
from suite.train.recipe import LossSettings
from tests.narrowing import present
from tests.train.losses.test_loss import PRIORS, SHAPES

KINDS = get_args(BoxKind)
Box = tuple[float, float, float, float]
every_kind = pytest.mark.parametrize("kind", KINDS)


def area(low_x: float, low_y: float, high_x: float, high_y: float) -> float:
    return max(high_x - low_x, 0) * max(high_y - low_y, 0)


def corners(box: Box) -> Box:
    x, y, width, height = box
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def overlap(a: Box, b: Box) -> float:
    inner = [
        pick(p, q) for pick, p, q in zip((max, max, min, min), corners(a), corners(b), strict=True)
    ]
    return area(*inner) / (area(*corners(a)) + area(*corners(b)) - area(*inner))


def hull(a: Box, b: Box) -> tuple[float, float]:
    left, top, right, bottom = (
        pick(p, q) for pick, p, q in zip((min, min, max, max), corners(a), corners(b), strict=True)
    )
    return right - left, bottom - top


def eiou(a: Box, b: Box) -> float:
    width, height = hull(a, b)
    centres = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (width**2 + height**2)
    return (
        1 - overlap(a, b) + centres + (a[2] - b[2]) ** 2 / width**2 + (a[3] - b[3]) ** 2 / height**2
    )


def siou(a: Box, b: Box) -> float:
    width, height = hull(a, b)
    apart = math.hypot(a[0] - b[0], a[1] - b[1])
    angle = (
        1 - 2 * math.sin(math.asin(abs(a[1] - b[1]) / apart) - math.pi / 4) ** 2 if apart else 0.0
    )
    pull = 2 - angle
    distance = sum(
        1 - math.exp(-pull * (d / side) ** 2)
        for d, side in ((a[0] - b[0], width), (a[1] - b[1], height))
    )
    shape = sum(
        (1 - math.exp(-abs(p - q) / max(p, q))) ** 4 for p, q in zip(a[2:], b[2:], strict=True)
    )
    return 1 - overlap(a, b) + (distance + shape) / 2


def wiou(a: Box, b: Box) -> float:
    width, height = hull(a, b)
    far = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (width**2 + height**2)
    return math.exp(far) * (1 - overlap(a, b))


def nwd(a: Box, b: Box) -> float:
    square = (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + ((a[2] - b[2]) ** 2 + (a[3] - b[3]) ** 2) / 4
    return 1 - math.exp(-math.sqrt(square) / 12.8)


FORMULAS = {
    "iou": lambda a, b: 1 - overlap(a, b),
    "eiou": eiou,
    "siou": siou,
    "wiou": wiou,
    "nwd": nwd,
}


def some_boxes(count: int = 40) -> tuple[Tensor, Tensor]:
    """Boxes of which most overlap their target, and some do not."""
    generator = torch.Generator().manual_seed(5)
    targets = torch.rand(count, 4, dtype=torch.float64, generator=generator) * 20 + 10
    moved = targets + torch.randn(count, 4, dtype=torch.float64, generator=generator) * 4
    return torch.cat((moved[:, :2], moved[:, 2:].abs() + 1), 1), targets


def boxes_at(*rows: Box) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("kind", FORMULAS)
def test_a_loss_is_its_papers_formula(kind: BoxKind) -> None:
    boxes, targets = some_boxes()

    loss, _ = BoxLoss(Loss(box=kind))(boxes, targets)

    expected = [FORMULAS[kind](a, b) for a, b in zip(boxes.tolist(), targets.tolist(), strict=True)]
    assert loss.tolist() == pytest.approx(expected, rel=1e-6)


@every_kind
def test_a_box_that_is_its_target_costs_nothing(kind: BoxKind) -> None:
    _, targets = some_boxes()

    loss, fit = BoxLoss(Loss(box=kind))(targets, targets)

    assert loss.tolist() == pytest.approx([0] * len(targets), abs=1e-6)
    assert fit.tolist() == pytest.approx([1] * len(targets), abs=1e-6)


@every_kind
def test_a_wrong_box_gets_a_finite_gradient(kind: BoxKind) -> None:
    boxes, targets = some_boxes()

    BoxLoss(Loss(box=kind))(boxes.requires_grad_(), targets)[0].sum().backward()

    touching = [overlap(a, b) > 0 for a, b in zip(boxes.tolist(), targets.tolist(), strict=True)]
    assert present(boxes.grad).isfinite().all()
    assert (present(boxes.grad)[touching] != 0).any(1).all()


@every_kind
def test_a_perfect_box_gets_a_finite_gradient(kind: BoxKind) -> None:
    _, targets = some_boxes()
    boxes = targets.clone().requires_grad_()

    BoxLoss(Loss(box=kind))(boxes, targets)[0].sum().backward()

    assert present(boxes.grad).isfinite().all()


@pytest.mark.parametrize("kind", ["eiou", "siou", "nwd"])
def test_gradients_agree_with_finite_differences(kind: BoxKind) -> None:
    boxes, targets = some_boxes(8)

    assert torch.autograd.gradcheck(
        lambda b: BoxLoss(Loss(box=kind))(b, targets)[0], boxes.requires_grad_()
    )


@pytest.mark.parametrize("kind", ["giou", "diou", "ciou", "eiou", "siou", "nwd"])
def test_a_box_that_misses_its_target_is_pulled_towards_it(kind: BoxKind) -> None:
    box = boxes_at((0, 3, 4, 4)).requires_grad_()

    BoxLoss(Loss(box=kind))(box, boxes_at((20, 3, 4, 4)))[0].sum().backward()

    assert present(box.grad)[0, 0] < 0


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    shift=st.tuples(
        st.floats(-500, 500, allow_subnormal=False), st.floats(-500, 500, allow_subnormal=False)
    ),
    scale=st.floats(0.1, 10),
)
def test_a_loss_depends_on_neither_place_nor_unit(
    kind: BoxKind, shift: tuple[float, float], scale: float
) -> None:
    boxes, targets = some_boxes()
    move = torch.tensor((*shift, 0, 0), dtype=torch.float64)
    loss, _ = BoxLoss(Loss(box=kind))(boxes, targets)

    moved, _ = BoxLoss(Loss(box=kind))(boxes + move, targets + move)
    enlarged, _ = BoxLoss(Loss(box=kind))(boxes * scale, targets * scale, 1 / scale)

    torch.testing.assert_close(moved, loss, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(enlarged, loss, rtol=1e-5, atol=1e-6)


def test_the_constant_of_nwd_counts_in_pixels() -> None:
    boxes, targets = boxes_at((0, 0, 2, 2)), boxes_at((3, 4, 2, 2))  # 5 apart

    in_pixels, _ = BoxLoss(Loss(box="nwd", constant=10))(boxes * 8, targets * 8)
    in_cells, _ = BoxLoss(Loss(box="nwd", constant=10))(boxes, targets, torch.tensor([8.0]))

    assert in_pixels.item() == in_cells.item() == pytest.approx(1 - math.exp(-40 / 10))


def test_wiou_v3_takes_least_interest_in_the_best_and_in_hopeless_boxes() -> None:
    boxes, targets = (
        boxes_at((0, 0, 10, 10), (3, 0, 10, 10), (9, 0, 10, 10)),
        boxes_at(*[(0.1, 0, 10, 10)] * 3),
    )
    plain, _ = BoxLoss(Loss(box="wiou"))(boxes, targets)

    focused, _ = BoxLoss(Loss(box="wiou_v3"))(boxes, targets)

    missed = [1 - overlap(a, b) for a, b in zip(boxes.tolist(), targets.tolist(), strict=True)]
    usual = 0.99 + 0.01 * sum(missed) / 3
    factors = [m / usual / (3 * 1.9 ** (m / usual - 3)) for m in missed]
    assert (focused / plain).tolist() == pytest.approx(factors, rel=1e-6)


def test_wiou_v3_remembers_what_is_usual() -> None:
    loss = BoxLoss(Loss(box="wiou_v3"))
    boxes, targets = some_boxes()

    first, _ = loss(boxes, targets)
    second, _ = loss(boxes, targets)

    assert (second > 0).all()
    assert not torch.equal(first, second)


def test_wiou_leaves_objectness_the_plain_overlap() -> None:
    boxes, targets = some_boxes()

    _, fit = BoxLoss(Loss(box="wiou"))(boxes, targets)

    assert fit.tolist() == pytest.approx(
        [overlap(a, b) for a, b in zip(boxes.tolist(), targets.tolist(), strict=True)], rel=1e-6
    )


@every_kind
@pytest.mark.parametrize("targets", [torch.zeros(0, 6), torch.tensor([[0, 1, 0.4, 0.6, 0.3, 0.2]])])
def test_yolov5s_loss_takes_every_kind(kind: BoxKind, targets: Tensor) -> None:
    raw = [
        torch.randn(1, 3, *shape, 8, generator=torch.Generator().manual_seed(1)).requires_grad_()
        for shape in SHAPES
    ]

    total, parts = DetectionLoss(PRIORS, LossSettings(), Loss(box=kind))(raw, targets)
    total.backward()

    assert parts.isfinite().all()
    assert all(present(level.grad).isfinite().all() for level in raw)


def test_another_box_loss_changes_what_objectness_learns() -> None:
    raw = [
        torch.randn(1, 3, *shape, 8, generator=torch.Generator().manual_seed(1)) for shape in SHAPES
    ]
    target = torch.tensor([[0, 1, 0.4, 0.6, 0.3, 0.2]])

    def parts(kind: BoxKind) -> list[float]:
        return DetectionLoss(PRIORS, LossSettings(), Loss(box=kind))(raw, target)[1].tolist()

    plain, other = parts("iou"), parts("nwd")
    assert plain[1] != other[1]
    assert plain[2] == other[2]
    assert parts("iou") == plain


def test_nwd_in_yolov5s_loss_is_measured_in_pixels() -> None:
    raw = [torch.zeros(1, 1, 4, 4, 7)]
    halved = LossSettings(box=1, scale_gains=False)
    target = torch.tensor([[0, 1, 0.6, 0.6, 0.5, 0.5]])

    def box_part(stride: int) -> float:
        priors = Priors(torch.tensor([[[2.0 * stride, 2.0 * stride]]]), (stride,))
        return DetectionLoss(priors, halved, Loss(box="nwd"))(raw, target)[1][0].item()

    # decoded: in the cell's middle, 2 x 2 cells; three cells answer for the centre at 2.4, 2.4
    apart = [math.hypot(0.1, 0.1), math.hypot(0.9, 0.1), math.hypot(0.1, 0.9)]
    for stride in (8, 16):
        expected = sum(1 - math.exp(-d * stride / 12.8) for d in apart) / 3
        assert box_part(stride) == pytest.approx(expected, rel=1e-5)

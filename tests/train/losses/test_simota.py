"""SimOTA against the paper's procedure, carried out in plain loops; and YOLOX's loss on what it finds."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from suite.datasets.builtin.shapes import ensure
from suite.nn.heads import Predictions
from suite.nn.heads.decoupled import DecoupledHead
from suite.protocols import Budget
from suite.spec.library import Library
from suite.spec.records.objective import Assigner, BoxKind, Loss, ScoreKind
from suite.train.losses.simota import Matches, assign
from suite.train.losses.simota_loss import SimOtaLoss
from suite.train.recipe import LossSettings, recipe
from tests.narrowing import present
from tests.train.trainings import whole_training

Match = tuple[int, int, int]  # image, prediction, target
SIMOTA = Assigner("simota")
STRIDES = (8, 16)


def raw_maps(batch: int = 2, classes: int = 3, seed: int = 0, side: int = 64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    maps = [
        torch.randn(batch, 1, side // s, side // s, 5 + classes, generator=generator)
        for s in STRIDES
    ]
    return [level.double().requires_grad_() for level in maps]


def head(classes: int = 3) -> DecoupledHead:
    return DecoupledHead((4, 4), classes=classes, strides=STRIDES)


def some_targets(count: int, batch: int = 2, classes: int = 3, seed: int = 0) -> Tensor:
    """Rows of image, class, centre, size, relative to the image, most of them overlapping others."""
    u = torch.rand(count, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    image, label = (u[:, :1] * batch).floor(), (u[:, 1:2] * classes).floor()
    return torch.cat((image, label, 0.2 + 0.6 * u[:, 2:4], 0.1 + 0.5 * u[:, 4:6]), 1)


def in_pixels(targets: Tensor, side: int = 64) -> Tensor:
    return targets * torch.tensor((1, 1, side, side, side, side), dtype=torch.float64)


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    def shared(axis: int) -> float:
        (p, width), (q, other) = a[axis::2], b[axis::2]
        return max(min(p + width / 2, q + other / 2) - max(p - width / 2, q - other / 2), 0)

    inner = shared(0) * shared(1)
    return inner / (a[2] * a[3] + b[2] * b[3] - inner)


def class_cost(logits: Sequence[float], objectness: float, label: int) -> float:
    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    scores = [math.sqrt(sigmoid(logit) * sigmoid(objectness)) for logit in logits]
    return sum(
        -math.log(p) if index == label else -math.log(1 - p) for index, p in enumerate(scores)
    )


def near_and_inside(
    seen: Predictions, boxes: dict[int, list[float]], assigner: Assigner
) -> tuple[set[int], set[tuple[int, int]]]:
    """Predictions that lie in any box or near its centre, and pairs of box and prediction where both hold."""
    near: set[int] = set()
    inside: set[tuple[int, int]] = set()
    places = list(zip(seen.centres.tolist(), seen.strides.tolist(), strict=True))
    for row, (x, y, width, height) in boxes.items():
        for n, (centre, stride) in enumerate(places):
            away = abs(centre[0] - x), abs(centre[1] - y)
            in_box = away[0] < width / 2 and away[1] < height / 2
            in_centre = max(away) < assigner.radius * stride
            if in_box or in_centre:
                near.add(n)
            if in_box and in_centre:
                inside.add((row, n))
    return near, inside


def image_by_hand(seen: Predictions, image: int, targets: Tensor, assigner: Assigner) -> set[Match]:
    rows = [row for row in range(len(targets)) if targets[row, 0] == image]
    boxes = {row: targets[row, 2:].tolist() for row in rows}
    candidates, inside = near_and_inside(seen, boxes, assigner)
    costs: dict[tuple[int, int], float] = {}
    chosen: dict[int, list[int]] = {}
    for row in rows:
        label, overlaps = int(targets[row, 1]), []
        for n in candidates:
            iou = overlap(seen.boxes[image, n].tolist(), boxes[row])
            scores, objectness = seen.classes[image, n].tolist(), seen.objectness[image, n].item()
            costs[row, n] = class_cost(scores, objectness, label) - 3 * math.log(iou + 1e-8)
            costs[row, n] += 0 if (row, n) in inside else 1e5
            overlaps.append(iou)
        count = max(int(sum(sorted(overlaps, reverse=True)[: assigner.candidates])), 1)
        ranked = sorted((costs[row, n], place, n) for place, n in enumerate(candidates))
        for _, _, n in ranked[:count]:
            chosen.setdefault(n, []).append(row)
    return {
        (image, n, min((costs[row, n], place, row) for place, row in enumerate(rows))[2])
        for n, rows in chosen.items()
    }


def by_hand(seen: Predictions, targets: Tensor, assigner: Assigner) -> set[Match]:
    """Section 2.3 of the paper, box by box."""
    images = range(len(seen.boxes))
    return set().union(*(image_by_hand(seen, image, targets, assigner) for image in images))


def as_set(found: Matches) -> set[Match]:
    return set(zip(found.image.tolist(), found.prior.tolist(), found.target.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "assigner", [SIMOTA, Assigner("simota", radius=1.5, candidates=4)], ids=["paper", "narrow"]
)
def test_matches_are_those_of_the_paper(seed: int, assigner: Assigner) -> None:
    seen = head().predictions([level.detach() for level in raw_maps(seed=seed)])
    targets = in_pixels(some_targets(7, seed=seed))

    found = assign(seen, targets, assigner)

    assert as_set(found) == by_hand(seen, targets, assigner)


def test_the_better_a_network_fits_the_more_predictions_answer() -> None:
    raw = [level.detach() for level in raw_maps(batch=1)]
    target = torch.tensor([[0, 1, 32, 32, 32, 32]], dtype=torch.float64)
    seen = head().predictions(raw)

    def answers(sharp: float) -> int:
        boxes = seen.boxes + sharp * (target[:, 2:] - seen.boxes)
        predictions = Predictions(
            boxes, seen.objectness, seen.classes, seen.centres, seen.strides, seen.size
        )
        return len(assign(predictions, target, SIMOTA).prior)

    assert answers(1.0) == 10  # ten candidates of IoU 1
    assert answers(0.0) < answers(0.7) < 10


def test_every_object_has_an_answer_unless_another_takes_it() -> None:
    seen = head().predictions([level.detach() for level in raw_maps(batch=1)])
    apart = torch.tensor(
        [[0, 0, 12, 12, 9, 9], [0, 1, 52, 12, 9, 9], [0, 2, 12, 52, 9, 9]], dtype=torch.float64
    )

    found = assign(seen, apart, SIMOTA)

    assert set(found.target.tolist()) == {0, 1, 2}


def test_no_prediction_answers_twice() -> None:
    seen = head().predictions([level.detach() for level in raw_maps()])

    found = assign(seen, in_pixels(some_targets(12)), SIMOTA)

    pairs = list(zip(found.image.tolist(), found.prior.tolist(), strict=True))
    assert len(pairs) == len(set(pairs)) > 8


@pytest.mark.parametrize(
    "targets", [torch.zeros(0, 6), torch.tensor([[0, 1, 5000.0, 5000, 10, 10]])]
)
def test_objects_that_no_cell_is_near_have_no_answer(targets: Tensor) -> None:
    seen = head().predictions([level.detach() for level in raw_maps()])

    assert len(assign(seen, targets.double(), SIMOTA).prior) == 0


def parts_by_hand(seen: Predictions, targets: Tensor, found: Matches) -> list[float]:
    """YOLOX's three parts with the plain IoU: sums over the batch, divided by the number of positives."""

    def entropy(logit: float, target: float) -> float:
        p = 1 / (1 + math.exp(-logit))
        return -target * math.log(p) - (1 - target) * math.log(1 - p)

    box = objectness = classes = 0.0
    positive = {(image, n): target for image, n, target in as_set(found)}
    for image in range(len(seen.boxes)):
        for n in range(len(seen.centres)):
            target = positive.get((image, n))
            objectness += entropy(seen.objectness[image, n].item(), 0 if target is None else 1)
            if target is not None:
                fit = overlap(seen.boxes[image, n].tolist(), targets[target, 2:].tolist())
                box += 1 - fit
                for label, logit in enumerate(seen.classes[image, n].tolist()):
                    classes += entropy(logit, fit if label == targets[target, 1] else 0)
    return [part / len(positive) for part in (5 * box, objectness, classes)]


def loss(kinds: Loss | None = None, classes: int = 3) -> SimOtaLoss:
    return SimOtaLoss(head(classes).predictions, SIMOTA, LossSettings(), kinds or Loss(box="iou"))


def test_the_loss_is_yoloxs() -> None:
    raw, targets = raw_maps(), some_targets(5)

    total, parts = loss()(raw, targets)

    seen = head().predictions([level.detach() for level in raw])
    found = assign(seen, in_pixels(targets), SIMOTA)
    assert parts.tolist() == pytest.approx(parts_by_hand(seen, in_pixels(targets), found), rel=1e-6)
    assert total.item() == pytest.approx(parts.sum().item() * 2 / 64)


@pytest.mark.parametrize("box", ["ciou", "nwd", "wiou_v3"])
@pytest.mark.parametrize("scores", ["focal", "varifocal"])
def test_the_loss_takes_every_kind_of_part(box: BoxKind, scores: ScoreKind) -> None:
    raw = raw_maps()

    total, parts = loss(Loss(box=box, objectness=scores, classes=scores))(raw, some_targets(5))
    total.backward()

    assert parts.isfinite().all()
    assert all(present(level.grad).isfinite().all() for level in raw)
    assert all((present(level.grad)[..., 4] != 0).all() for level in raw)


def test_a_batch_without_objects_teaches_the_background_alone() -> None:
    raw = raw_maps()

    total, parts = loss()(raw, torch.zeros(0, 6))
    total.backward()

    assert parts[0] == parts[2] == 0
    assert all((present(level.grad)[..., 4] > 0).all() for level in raw)


def test_a_single_class_is_learnt_too() -> None:
    raw = raw_maps(classes=1)

    _, parts = loss(classes=1)(raw, some_targets(4, classes=1))

    assert parts[2] > 0


def test_gradients_of_scores_agree_with_finite_differences() -> None:
    raw, targets = (
        [level.detach() for level in raw_maps(batch=1, side=16)],
        some_targets(2, batch=1),
    )

    def of_scores(*scores: Tensor) -> Tensor:
        return loss()(
            [torch.cat((level[..., :4], s), -1) for level, s in zip(raw, scores, strict=True)],
            targets,
        )[0]

    assert torch.autograd.gradcheck(
        of_scores, [level[..., 4:].clone().requires_grad_() for level in raw]
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 10))
def test_the_order_of_objects_does_not_matter(seed: int, count: int) -> None:
    raw, targets = [level.detach() for level in raw_maps(seed=seed)], some_targets(count, seed=seed)

    forwards, backwards = (loss()(raw, order)[1] for order in (targets, targets.flip(0)))

    torch.testing.assert_close(forwards, backwards)


class Silent:
    """Takes what a job reports and says nothing."""

    def stage(self, name: str) -> None:
        pass

    def progress(self, done: int, total: int) -> None:
        pass


@pytest.mark.slow
def test_a_small_decoupled_network_learns(tmp_path: Path) -> None:
    data = ensure(tmp_path / "shapes", train=200, val=50)
    variant = Library().load("tiny_decoupled")

    done = whole_training(
        variant, data, recipe("tiny"), Budget(8, steps=300), Silent(), image_size=128
    )

    curve = done.result.trained.curve
    first, last = curve[0], curve[-1]
    ap = next(m.samples[0] for m in done.evaluation.measurements if m.metric == "ap")
    assert last.box < 0.5 * first.box
    # that of classes need not fall: its target is the IoU, which rises
    assert last.obj < 0.5 * first.obj
    assert ap > 0.02

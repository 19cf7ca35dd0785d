import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.ops import nms as greedy_nms

from suite.nn import boxes, suppression
from suite.nn.suppression import FIRST_CANDIDATES, nms
from tests.narrowing import present

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/yolov5/ops.json").read_text())
NAMES = {"conf_thres": "confidence", "iou_thres": "iou", "max_det": "max_detections"}
OVERLAPS = ("iou", "giou", "diou", "ciou")


def uniform(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The golden files' numbers in [0, 1): the raw bit stream of a generator seeded by the key."""
    raw = np.random.PCG64([20230517, zlib.crc32(key.encode())]).random_raw(int(np.prod(shape)))
    return ((raw >> 11) * 2.0**-53).reshape(shape)


def golden_predictions(classes: int) -> Tensor:
    """300 boxes an image, the second half near-copies of the first, as the golden README says."""
    u = uniform(f"nms:{classes}", (2, 300, classes + 5))
    p = u.copy()
    p[..., :2] *= 640
    p[:, 150:, :2] = p[:, :150, :2] + (p[:, 150:, :2] - 320) * 0.02
    p[..., 2:4] = 20 + 180 * u[..., 2:4]
    p[:, 150:, 2:4] = p[:, :150, 2:4] * (0.9 + 0.2 * u[:, 150:, 4:5])
    p[..., 4] **= 2
    p[..., 5:] **= 3
    return torch.from_numpy(p.astype(np.float32))


def prediction(*rows: tuple[float, ...]) -> Tensor:
    """One image of boxes: cx, cy, w, h, objectness, class scores."""
    return torch.tensor([rows])


@pytest.mark.parametrize("kind", OVERLAPS)
def test_overlaps_equal_the_reference(kind: boxes.Overlap) -> None:
    a, b = (torch.tensor(GOLDEN["bbox_iou_xywh"][name]) for name in ("box1", "box2"))

    overlap = boxes.iou_aligned(a, b, kind)

    torch.testing.assert_close(
        overlap, torch.tensor(GOLDEN["bbox_iou_xywh"][kind]), rtol=0, atol=2e-6
    )


def test_trade_off_of_ciou_carries_no_gradient() -> None:
    a = torch.tensor([[2.0, 2.0, 3.0, 1.0]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([[2.0, 2.0, 1.0, 2.0]], dtype=torch.float64)
    boxes.iou_aligned(a, b, "ciou").sum().backward()
    with_trade_off = present(a.grad)[0, 2].item()
    present(a.grad).zero_()
    boxes.iou_aligned(a, b, "diou").sum().backward()
    overlap_only = present(a.grad)[0, 2].item()

    angle = np.arctan(3.0) - np.arctan(0.5)
    shape = 4 / np.pi**2 * angle**2
    factor = shape / (shape - 1 / 4 + 1)  # the boxes share 1 of 3 + 2 - 1
    slope = 4 / np.pi**2 * 2 * angle * (1 / (1 + 3.0**2))  # d atan(w / h) / dw at h = 1
    assert with_trade_off == pytest.approx(overlap_only - factor * slope, rel=1e-6)


def test_corner_and_centre_forms_are_inverse() -> None:
    corners = torch.tensor([[1.0, 2.0, 4.0, 8.0]])

    centre = boxes.xyxy_to_cxcywh(corners)

    assert centre.tolist() == [[2.5, 5.0, 3.0, 6.0]]
    assert boxes.cxcywh_to_xyxy(centre).tolist() == corners.tolist()


@pytest.mark.parametrize(
    "case", GOLDEN["nms"]["cases"], ids=lambda case: f"{case['nc']}-{case['arguments']}"
)
def test_suppression_equals_the_reference(case: dict) -> None:
    arguments = {NAMES.get(name, name): value for name, value in case["arguments"].items()}

    found = nms(golden_predictions(case["nc"]), **arguments)

    assert [len(rows) for rows in found] == case["counts"]
    for rows, sums, first in zip(found, case["column_sums"], case["first5"], strict=True):
        torch.testing.assert_close(
            rows.double().sum(0), torch.tensor(sums).double(), rtol=1e-5, atol=1e-3
        )
        torch.testing.assert_close(
            rows[:5], torch.tensor(first).reshape(-1, 6), rtol=1e-5, atol=1e-4
        )


def test_classes_never_suppress_each_other_however_far_outside_the_boxes_lie() -> None:
    # with a fixed offset of 7,680 pixels a class the second box would land exactly on the first
    far = prediction((10, 10, 8, 8, 0.9, 0.0, 1.0), (7690, 7690, 8, 8, 0.8, 1.0, 0.0))

    assert len(nms(far)[0]) == 2


def test_suppression_goes_on_beyond_the_first_candidates() -> None:
    copies = torch.tensor([[50.0, 50.0, 20.0, 20.0, 0.9, 1.0]]).repeat(FIRST_CANDIDATES + 5, 1)
    alone = torch.tensor([[500.0, 500.0, 20.0, 20.0, 0.5, 1.0]])

    found = nms(torch.cat((copies, alone))[None])[0]

    assert found[:, 0].tolist() == [40.0, 490.0]


def test_equal_scores_keep_their_order() -> None:
    rows = [(100.0 * i, 50.0, 10.0, 10.0, 0.5, 1.0) for i in range(9)]

    found = nms(prediction(*rows))[0]

    assert found[:, 0].tolist() == [100.0 * i - 5 for i in range(9)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("column", [0, 3, 4, 5])
def test_a_prediction_that_is_not_finite_is_refused(value: float, column: int) -> None:
    broken = prediction((10, 10, 4, 4, 0.9, 0.9), (50, 50, 4, 4, 0.9, 0.9))
    broken[0, 1, column] = value

    with pytest.raises(ValueError, match="image 0 of the batch: 1 of 2 predictions are not finite"):
        nms(broken)


def test_an_image_without_candidates_gives_an_empty_table() -> None:
    assert nms(prediction((10, 10, 4, 4, 0.1, 0.9)))[0].shape == (0, 6)


def test_of_an_untrained_models_two_million_scores_only_the_best_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1, 25_200, 85, generator=generator)
    noise[..., :4] *= 600
    compared: list[int] = []

    def counted(corners: Tensor, scores: Tensor, overlap: float) -> Tensor:
        compared.append(len(corners))
        out: Tensor = greedy_nms(corners, scores, overlap)
        return out

    monkeypatch.setattr(suppression, "greedy_nms", counted)
    found = nms(noise, confidence=0.001, iou=0.6, multi_label=True)

    assert len(found[0]) == 300
    assert max(compared) <= suppression.CANDIDATES


@pytest.mark.parametrize(
    "case", GOLDEN["scale_boxes"]["cases"], ids=lambda case: str(case["img0_hw"])
)
def test_boxes_map_back_to_the_original_image(case: dict) -> None:
    (new_height, new_width), (height, width) = case["img1_hw"], case["img0_hw"]
    if case["ratio_pad"]:
        ratio, pad = case["ratio_pad"]
    else:  # the letterbox's own rule: the smaller ratio, the rest halved
        smaller = min(new_height / height, new_width / width)
        ratio = (smaller, smaller)
        pad = ((new_width - width * smaller) / 2, (new_height - height * smaller) / 2)

    found = boxes.scale_boxes(
        torch.tensor(GOLDEN["scale_boxes"]["boxes"]),
        ratio=tuple(ratio),
        pad=pad,
        size=(height, width),
    )

    torch.testing.assert_close(found, torch.tensor(case["out"]), rtol=1e-5, atol=1e-3)


def test_columns_behind_the_corners_survive_the_way_back() -> None:
    detections = torch.tensor([[2.0, 2.0, 4.0, 4.0, 0.7, 3.0]])

    found = boxes.scale_boxes(detections, ratio=(2.0, 2.0), pad=(0, 0), size=(9, 9))

    assert found.tolist() == [[1.0, 1.0, 2.0, 2.0, detections[0, 4].item(), 3.0]]

"""Evaluation on a CUDA device gives what it gives on the processor."""

from pathlib import Path

import pytest
import torch

from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from suite.metrics.accuracy.detections import evaluate
from suite.nn.detector import build
from suite.nn.suppression import nms
from suite.spec.library import Library
from suite.spec.records.objective import Suppression
from tests.nn.reference_fill import fill

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.mark.parametrize("kind", ["hard", "diou", "soft", "soft_linear"])
def test_suppression_keeps_the_same_boxes(kind: str) -> None:
    u = torch.rand(2, 4000, 85, generator=torch.Generator().manual_seed(0))
    predictions = torch.cat((u[..., :2] * 640, 10 + 100 * u[..., 2:4], 0.4 + 0.2 * u[..., 4:]), 2)
    how = Suppression(kind)  # type: ignore[arg-type]

    here = nms(predictions, confidence=0.001, iou=0.6, multi_label=True, how=how)
    there = nms(predictions.cuda(), confidence=0.001, iou=0.6, multi_label=True, how=how)

    for one, other in zip(here, there, strict=True):
        torch.testing.assert_close(other.cpu(), one, rtol=1e-5, atol=1e-4)


def test_coco_s_numbers_are_the_processor_s(tmp_path: Path) -> None:
    val = read_split(ensure(tmp_path / "set", train=1, val=8), "val")
    model = build(Library().load("yolov5n"), 4)
    fill(model)

    here, there = (
        evaluate(model, val, image_size=128, device=device) for device in ("cpu", "cuda")
    )

    for one, other in zip(here.measurements, there.measurements, strict=True):
        assert one.metric == other.metric
        if one.metric.startswith(("ap", "ar")):
            assert other.samples == pytest.approx(one.samples, abs=1e-3)

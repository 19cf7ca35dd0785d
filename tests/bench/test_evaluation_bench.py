"""Evaluation: matching and AP of a fifth of COCO's validation part, and suppression where everything is a candidate."""

import pytest
import torch

from suite.metrics.accuracy.coco_match import from_results, match
from suite.nn.suppression import nms
from suite.spec.records.objective import Suppression, SuppressionKind
from suite.stats.coco import rates, summary
from tests.metrics.accuracy.made_detections import from_annotations, made


def test_bench_coco_numbers_of_1000_pictures(benchmark) -> None:
    annotations, results = made(0, pictures=1000, classes=80, detections=100, crowd=0.01)
    truth = from_annotations(annotations)
    found = from_results(truth, results)

    stats = benchmark(lambda: summary(rates(match(truth, found))))

    assert 0 < stats[0] < 1


@pytest.mark.parametrize("kind", ["hard", "diou", "soft", "soft_linear"])
@pytest.mark.parametrize("spread", [640.0, 2.0], ids=["everywhere", "on one spot"])
def test_bench_suppression_of_an_untrained_models_output(
    benchmark, kind: SuppressionKind, spread: float
) -> None:
    """25,200 boxes of 80 classes, every score above the threshold."""
    u = torch.rand(1, 25_200, 85, generator=torch.Generator().manual_seed(0))
    predictions = torch.cat(
        (u[..., :2] * spread, 10 + 100 * u[..., 2:4], 0.4 + 0.2 * u[..., 4:]), 2
    )

    (kept,) = benchmark(
        lambda: nms(predictions, confidence=0.001, iou=0.6, multi_label=True, how=Suppression(kind))
    )

    assert len(kept) == 300

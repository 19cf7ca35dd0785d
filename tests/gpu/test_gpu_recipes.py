"""Recipes whose batches change size and whose layers learn at different rates, on an accelerator."""

from dataclasses import replace
from typing import Literal

import pytest
import torch

from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.spec.library import Library
from suite.train.recipe import recipe
from tests.train.trainings import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_layer_decay_and_changing_sizes_train_on_the_device(
    kind: Literal["sgd", "adam", "adamw"], precision: Literal["fp32", "bf16", "fp16"]
) -> None:
    variant = Library().load("yolov5p")
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4, 3, 128, 128), dtype=torch.uint8, generator=generator)
    targets = torch.tensor([[n, n % 2, 0.5, 0.5, 0.4, 0.3] for n in range(4)])
    sizes = [None, (96, 96), (160, 160), (128, 64), (128, 128)]
    made = recipe("convnext")
    made = replace(
        made, precision=precision, optimizer=replace(made.optimizer, kind=kind, rate=1e-3)
    )

    batches = [Batch(images, targets, size) for size in sizes]
    result = train(build(variant, 2, seed=0), variant, batches, made, steps=5, device="cuda")

    assert all(torch.isfinite(value).all() for value in result.ema_model.state_dict().values())

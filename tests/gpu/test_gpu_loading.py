"""Workers beside a CUDA device: forked after it is in use, they make the same batches and leave it alone."""

from pathlib import Path

import pytest
import torch

from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from suite.datasets.loading.loader import Augment, TrainingBatches
from suite.protocols.loading import Loading

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def test_workers_make_the_same_batches_while_the_device_computes(tmp_path: Path) -> None:
    split = read_split(ensure(tmp_path / "set", train=24, val=2), "train")
    augment = Augment(mosaic=1.0, hsv_value=0.4, scale=0.5)
    weights = torch.randn(64, 64, device="cuda")

    def batches(workers: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        found = []
        for batch in TrainingBatches(
            split,
            image_size=128,
            batch=4,
            steps=20,
            seed=0,
            augment=augment,
            loading=Loading(workers=workers),
        ):
            assert torch.isfinite(weights @ weights).all()
            found.append((batch.images.to("cuda"), batch.targets.to("cuda")))
        return found

    pairs = zip(batches(0), batches(4), strict=True)
    assert all(torch.equal(a, b) and torch.equal(s, t) for (a, s), (b, t) in pairs)

"""What every variant must keep: exported, it gives elsewhere what it gives here.

By default are exported the smallest variants that have every head; the smallest that have every block are marked slow,
all others exhaustive.
"""

import pytest
import torch

from suite.nn.deploy import deploy
from suite.nn.detector import Detector, build
from suite.runtimes.common.network import Predict
from tests.contracts.exports import exported
from tests.contracts.variants import (
    COMMON,
    FEW_CLASSES,
    SMALLEST,
    covering,
    filled,
    final,
    networks,
    relative_error,
    tiers,
    up_to,
)

EXPORT_TOLERANCE = 1e-4  # of the largest magnitude, in float32


@pytest.mark.parametrize(
    "name",
    tiers(covering(COMMON, heads_only=True), covering(COMMON), networks()),
)
@pytest.mark.parametrize("start", ["shaken", "filled"])
def test_a_variant_is_exported_and_runs_the_same_elsewhere(name: str, start: str) -> None:
    """Filled shows more of what goes wrong; both drive some networks to where they magnify single precision.

    There ten times what torch itself loses against double precision is allowed.
    """
    model = build(final(name), FEW_CLASSES, seed=0)
    model = deploy(filled(model) if start == "filled" else shaken(model))
    side = up_to(SMALLEST, max(model.strides))
    images = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))

    ours, theirs = exported(Predict(model), images)

    with torch.no_grad():
        lost = relative_error(ours[0].double(), model.double().predict(images.double()))
    tolerance = max(EXPORT_TOLERANCE, 10 * lost)
    assert [
        relative_error(there, here) < tolerance for here, there in zip(ours, theirs, strict=True)
    ] == [True]


def shaken(model: Detector) -> Detector:
    """A network as it starts, but that its zeros and ones, which hide what goes wrong, have become other numbers."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in model.parameters():
            if tensor.unique().numel() == 1:
                tensor.add_(torch.rand(tensor.shape, generator=generator) * 0.4 - 0.2)
    return model

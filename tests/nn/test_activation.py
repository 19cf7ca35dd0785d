from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import nn

from suite.nn.conv import ACTIVATIONS
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.spec.library import Library
from suite.spec.records import vocabulary as words
from suite.spec.records.variant import Variant


@pytest.fixture(scope="module")
def yolov5p() -> Variant:
    return Library().load("yolov5p")


def test_the_language_offers_the_activations_that_can_be_built() -> None:
    assert set(words.ACTIVATIONS) == set(ACTIVATIONS)


def test_an_activation_takes_the_place_of_every_other(yolov5p: Variant) -> None:
    plain = Counter(type(module) for module in build(yolov5p, device="meta").modules())
    changed = Counter(
        type(module)
        for module in build(replace(yolov5p, activation="relu"), device="meta").modules()
    )

    assert changed[nn.SiLU] == 0
    assert changed[nn.ReLU] == plain[nn.SiLU] > 50


@pytest.mark.parametrize("name", words.ACTIVATIONS)
def test_the_deployed_form_keeps_the_activation(yolov5p: Variant, name: str) -> None:
    model = build(replace(yolov5p, activation=name), classes=3, seed=0).double().eval()
    image = torch.rand(1, 3, 64, 64, dtype=torch.float64)

    with torch.no_grad():
        trained, deployed = model(image), deploy(model)(image)

    for one, other in zip(trained, deployed, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)

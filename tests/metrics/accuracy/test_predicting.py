"""Detecting in a runtime: what `eval` costs a precision's AP with."""

import pytest
import torch

from suite.metrics.accuracy.predicting import Predictor
from suite.nn.detector import build
from suite.nn.network import Detector
from suite.protocols.setups import Setup
from suite.runtimes import RuntimeUnfitError
from suite.runtimes.common.lively import liven
from suite.spec.library import Library

IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model() -> Detector:
    return liven(build(Library().load("yolov5p"), 3, seed=0), IMAGES).eval()


@pytest.mark.parametrize("runtime", ["eager", "onnxruntime"])
def test_a_runtime_predicts_what_the_network_does_though_its_last_batch_is_not_full(
    model: Detector, runtime: str
) -> None:
    with torch.inference_mode():
        expected = model.predict(IMAGES)
    predict = Predictor(model, Setup("cpu", runtime, "fp32"), threads=1)
    try:
        found = [predict(images).clone() for images in (IMAGES[:2], IMAGES[2:])]
    except RuntimeUnfitError as error:
        pytest.skip(str(error))

    assert [len(each) for each in found] == [2, 1]
    torch.testing.assert_close(torch.cat(found), expected, rtol=1e-4, atol=1e-3)


def test_a_lesser_precision_is_really_computed_in_and_comes_back_in_single(model: Detector) -> None:
    with torch.inference_mode():
        exact = model.predict(IMAGES)

    found = Predictor(model, Setup("cpu", "eager", "bf16"), threads=1)(IMAGES)

    assert found.dtype == torch.float32
    assert torch.equal(found, found.bfloat16().float())
    assert 1e-3 < (found - exact)[..., 4:].abs().max() < 0.25

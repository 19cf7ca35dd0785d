"""Peaks that torch's allocator counts on a GPU, against the estimates.

The band is wide upwards by what no network decides: cuDNN's workspaces, and the allocator's rounding.
"""

import pytest
import torch

from suite.jobs.footprint import Question, measure
from suite.metrics.cost.forms import build_forms
from suite.metrics.cost.memory import inference, training
from suite.spec.library import Library
from suite.train.recipe import recipe

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
WORKSPACE = 256 * 2**20  # bytes


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_pass_on_the_gpu_needs_what_was_estimated(precision):
    forms = build_forms(Library().load("yolov5s"))
    question = Question(
        forms.variant, "inference", recipe("tiny"), batch=16, precision=precision, device="cuda"
    )

    found, estimate = measure(question).device, inference(forms, 640, 16, precision).maps
    assert found is not None
    assert 0.9 * estimate < found < 1.3 * estimate + WORKSPACE


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_step_on_the_gpu_needs_what_was_estimated(precision):
    forms = build_forms(Library().load("yolov5n"))
    question = Question(
        forms.variant,
        "training",
        recipe("scratch-low"),
        batch=16,
        precision=precision,
        device="cuda",
    )

    estimate = training(forms, 640, 16, precision)
    found = measure(question).device
    assert found is not None
    assert (
        0.8 * (estimate.maps + estimate.state)
        < found
        < 1.4 * (estimate.maps + estimate.state) + WORKSPACE
    )

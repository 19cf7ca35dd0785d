"""Forward passes, whole pipelines and counting as pytest-benchmark cases: `make bench`, or `-k yolov5n`."""

import numpy as np
import pytest
import torch

from suite.metrics.cost.flops import count
from suite.metrics.cost.forms import build_forms
from suite.metrics.speed.latency import Settings, noise
from suite.metrics.speed.stages import Pipeline, Thresholds
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.runtimes import Options, RuntimeUnfitError, open_session
from suite.spec.library import Library

SIZES = {"yolov5p": 128, "yolov5n": 640, "yolov5s": 640}
RUNTIMES = ("eager", "onnxruntime")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", SIZES)
def test_forward_pass(benchmark, name, runtime):
    benchmark.group = _group(name)
    images = noise(Settings(image_size=SIZES[name]))
    try:
        session = open_session(runtime, _deployed(name), Options(), images)
    except RuntimeUnfitError as error:
        pytest.skip(str(error))
    prepared = session.prepare(images)

    output = benchmark.pedantic(
        session.run, args=(prepared,), rounds=15, iterations=1, warmup_rounds=3
    )

    assert output.shape[0] == 1


@pytest.mark.parametrize("name", SIZES)
def test_from_picture_to_boxes(benchmark, name):
    benchmark.group = _group(name)
    pipeline = Pipeline(_deployed(name), Settings(image_size=SIZES[name]), Thresholds())
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)

    with torch.inference_mode():
        boxes = benchmark.pedantic(
            pipeline.run, args=([picture],), rounds=15, iterations=1, warmup_rounds=3
        )

    assert len(boxes) == 1


def _group(name):
    return f"{name}, {SIZES[name]} px, batch 1, one thread"


def _deployed(name):
    return deploy(build(Library().load(name), seed=0))


@pytest.mark.parametrize("name", ["yolov5n", "yolov5x", "yolov5s_odconv_all_k4"])
def test_counting_multiply_adds(benchmark, name):
    benchmark.group = "count both forms at 640 px"
    forms = build_forms(Library().load(name))

    def count_both():
        return [count(model, form, 640) for form, model in forms.each()]

    trained, _ = benchmark.pedantic(count_both, rounds=5, iterations=1, warmup_rounds=1)

    assert trained.samples[0] > 0

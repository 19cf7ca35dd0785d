"""Forward passes and counting as pytest-benchmark cases: `make bench`, or `-k yolov5n`."""

import pytest

from suite.metrics.flops import measure_flops
from suite.metrics.forms import build_forms
from suite.metrics.latency import Settings, noise
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.runtimes import Options, open_session
from suite.spec.library import Library

SIZES = {"yolov5p": 128, "yolov5n": 640, "yolov5s": 640}


@pytest.mark.parametrize("name", SIZES)
def test_forward_pass(benchmark, name):
    benchmark.group = f"forward, {SIZES[name]} px, one thread"
    images = noise(Settings(image_size=SIZES[name]))
    session = open_session("eager", deploy(build(Library().load(name), seed=0)), Options(), images)
    prepared = session.prepare(images)

    output = benchmark.pedantic(session.run, args=(prepared,), rounds=15, iterations=1, warmup_rounds=3)

    assert output.shape[0] == 1


@pytest.mark.parametrize("name", ["yolov5n", "yolov5x", "yolov5s_odconv_all_k4"])
def test_counting_multiply_adds(benchmark, name):
    benchmark.group = "count both forms at 640 px"
    forms = build_forms(Library().load(name))

    trained, _ = benchmark.pedantic(measure_flops, args=(forms,), rounds=5, iterations=1, warmup_rounds=1)

    assert trained.samples[0] > 0

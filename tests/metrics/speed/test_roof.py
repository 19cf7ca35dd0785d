"""The machine's peak and bandwidth by a clock that is made up, and the work of a timed pass."""

import pytest

from suite.metrics.cost.flops import count
from suite.metrics.cost.forms import build_forms
from suite.metrics.speed.roof import measure_roof, measure_work
from suite.record import Json
from suite.spec.library import Library
from tests.narrowing import opened

STATED: dict[str, Json] = {
    "device": "cpu",
    "precision": "fp32",
    "threads": 1,
    "batch": 1,
    "image_size": 128,
}


class Clock:
    """A tenth of a second passes between two looks at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


def test_the_peak_is_the_better_of_a_product_and_a_convolution():
    found = {m.metric: m for m in measure_roof(STATED, clock=Clock())}

    product, convolution = 2 * 1024**3 / 1e9 / 0.1, 2 * 40 * 40 * 256 * 256 * 9 / 1e9 / 0.1
    assert found["peak_gflops"].samples == pytest.approx((max(product, convolution),))
    assert found["peak_gflops"].notes == {
        "matmul": pytest.approx(product),
        "convolution": pytest.approx(convolution),
    }
    assert found["bandwidth_gbs"].samples == pytest.approx((2 * 2**26 / 1e9 / 0.1,))
    assert all(m.settings == STATED for m in found.values())


def test_a_precision_that_cannot_be_probed_has_no_roof():
    assert measure_roof(STATED | {"precision": "int8"}) == ()


def test_the_work_is_that_of_the_timed_size_and_form():
    variant = Library().load("yolov5p")

    found = measure_work(variant, 4, STATED)
    deployed = build_forms(variant, 4).deployed
    (macs,) = count(deployed, "deployed", 128).samples
    assert found.samples == pytest.approx((2 * macs,))
    moved = opened(found.notes["bytes"])
    assert found.notes["intensity"] == pytest.approx(1e9 * found.samples[0] / moved)


def test_half_precision_moves_half_the_bytes():
    variant = Library().load("yolov5p")

    full, half = (
        opened(measure_work(variant, 4, STATED | {"precision": precision}).notes["bytes"])
        for precision in ("fp32", "bf16")
    )
    assert half == full // 2

"""The steps from a picture to boxes, each timed apart, on a clock that the steps themselves move."""

import numpy as np
import pytest
import torch

from suite.metrics.speed.rounds import Settings
from suite.metrics.speed.stages import (
    DECODE,
    END_TO_END,
    FORWARD,
    NMS,
    PRE,
    Pipeline,
    Thresholds,
    measure_stages,
)
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.spec.library import Library
from tests.metrics.speed.fake_sessions import Clock
from tests.narrowing import stand_in


class FakePipeline:
    """Each step takes so many milliseconds on the clock; finds as many boxes as the picture's first pixel says."""

    def __init__(self, name, clock, log, **milliseconds):
        self.name, self.clock, self.log = name, clock, log
        self.steps = {step: self._step(step, ms) for step, ms in milliseconds.items()}

    def _step(self, step, ms):
        def run(value):
            self.log.append((self.name, step))
            self.clock.now += ms / 1000
            return (
                value if step != "last" else [[None] * int(picture[0, 0, 0]) for picture in value]
            )

        return run

    def run(self, value):
        for step in self.steps.values():
            value = step(value)
        return value

    def synchronize(self):
        self.log.append((self.name, "synchronize"))


def pictures(*boxes):
    return [np.full((2, 2, 3), count, np.uint8) for count in boxes]


def measured(images, *, batch=1, **more):
    clock = Clock()
    log: list[tuple[str, str]] = []
    pipelines = {
        name: stand_in(FakePipeline(name, clock, log, first=2.0, last=3.0 * more.get(name, 1)))
        for name in ("a", "b")
    }
    found = measure_stages(pipelines, images, Settings(batch=batch, cap_seconds=0.5), clock=clock)
    return found, log


def test_each_step_and_the_whole_have_a_sample_a_round():
    found, _ = measured(pictures(1))

    rounds = len(found["a"].steps["first"])
    assert rounds == 25  # 0.5 s of 2 x (5 + 5) ms
    assert found["a"].steps["first"] == pytest.approx([2.0] * rounds)
    assert found["a"].steps["last"] == pytest.approx([3.0] * rounds)
    assert found["a"].steps[END_TO_END] == pytest.approx([5.0] * rounds)


def test_the_device_is_waited_for_after_each_step_and_only_at_the_end_of_the_whole():
    _, log = measured(pictures(1))

    begin = log.index(("a", "synchronize"))
    step = [("a", "first"), ("a", "synchronize"), ("a", "last"), ("a", "synchronize")]
    whole = [("a", "first"), ("a", "last"), ("a", "synchronize")]
    assert log[begin : begin + 8] == [("a", "synchronize"), *step, *whole]


def test_the_networks_take_turns_in_changing_order():
    _, log = measured(pictures(1))

    visits = [name for name, what in log if what == "first"][6:][::2]
    assert {tuple(visits[i : i + 2]) for i in range(0, 40, 2)} == {("a", "b"), ("b", "a")}


def test_pictures_are_cycled_and_boxes_are_counted_by_image():
    found, _ = measured(pictures(1, 2, 6), batch=3)

    assert found["a"].boxes == found["b"].boxes == 3.0


def test_a_real_pipeline_gives_what_the_model_and_the_suppression_give():
    model = deploy(build(Library().load("yolov5p"), 4, seed=0))
    pipeline = Pipeline(model, Settings(image_size=64), Thresholds(confidence=0.0, most=5))
    images = [np.full((48, 64, 3), 200, np.uint8), np.full((64, 64, 3), 10, np.uint8)]

    with torch.inference_mode():
        found = pipeline.run(images)

    assert list(pipeline.steps) == [PRE, FORWARD, DECODE, NMS]
    assert [rows.shape for rows in found] == [(5, 6), (5, 6)]


def test_a_step_that_a_runtime_does_not_tell_has_no_median():
    found, _ = measured(pictures(1))

    assert found["a"].median(DECODE) is None

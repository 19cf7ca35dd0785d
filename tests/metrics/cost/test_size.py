"""Parameters: totals of the reference, shares that add up, and the ones that training reaches."""

from dataclasses import replace

import pytest
import torch

from suite.metrics.cost.forms import Forms, build_forms
from suite.metrics.cost.size import measure_live, measure_size
from suite.nn.detector import build
from suite.spec.library import Library
from tests.narrowing import opened


@pytest.fixture(scope="module")
def yolov5n() -> Forms:
    return build_forms(Library().load("yolov5n"))


@pytest.mark.parametrize(
    ("name", "trained", "deployed"),
    [
        ("yolov5n", 1_872_157, 1_867_405),
        ("yolov5s", 7_235_389, 7_225_885),
        ("yolov5m", 21_190_557, 21_172_173),
        ("yolov5l", 46_563_709, 46_533_693),
        ("yolov5x", 86_749_405, 86_705_005),
    ],
)
def test_yolov5_has_the_parameters_of_the_reference(name, trained, deployed):
    params = measure_size(build_forms(Library().load(name)))[:2]

    assert [(m.form, m.samples) for m in params] == [
        ("trained", (trained,)),
        ("deployed", (deployed,)),
    ]


def test_parts_and_stages_add_up_to_the_total(yolov5n):
    for measurement in measure_size(yolov5n)[:2]:
        assert sum(opened(measurement.notes["by_part"]).values()) == measurement.samples[0]
        assert sum(opened(measurement.notes["by_stage"]).values()) == measurement.samples[0]


def test_stages_are_strides_and_the_head(yolov5n):
    trained = measure_size(yolov5n)[0]

    by_stage = opened(trained.notes["by_stage"])
    assert list(by_stage) == ["2", "4", "8", "16", "32", "head"]
    assert by_stage["2"] == 16 * 3 * 36 + 2 * 16


def test_every_parameter_of_yolov5_is_live(yolov5n):
    live = measure_live(yolov5n)

    assert [*live.samples] == [1_872_157]
    assert live.notes == {"dead": {}, "frozen": {}}


def test_a_parameter_that_nothing_uses_is_dead_and_named(yolov5n):
    forms = build_forms(Library().load("yolov5n"))
    forms.trained.neck[0].spare = torch.nn.Linear(3, 5, device="meta")

    live = measure_live(forms)

    assert [*live.samples] == [1_872_157]
    assert live.notes["dead"] == {"neck.0.spare.weight": 15, "neck.0.spare.bias": 5}


def test_frozen_parts_are_not_live_and_say_so():
    forms = build_forms(replace(Library().load("yolov5n"), freeze=("backbone", "neck")))

    live = measure_live(forms)

    head = opened(measure_size(forms)[0].notes["by_part"])["head"]
    assert live.samples == (head,)
    assert set(opened(live.notes["frozen"])) == {"backbone", "neck"}


@pytest.mark.parametrize(
    "name",
    ["yolov5n", "yolov5p_odconv_down_k4", "yolov5p_repvit", "yolov5p_efficientnetv2_printed"],
)
def test_a_real_backward_pass_reaches_the_same_parameters(name):
    variant = Library().load(name)
    model = build(variant, seed=0)
    sum(level.sum() for level in model(torch.rand(2, 3, 128, 128))).backward()

    live = measure_live(build_forms(variant))

    assert live.samples[0] == sum(p.numel() for p in model.parameters() if p.grad is not None)


def test_measuring_leaves_the_forms_in_evaluation(yolov5n):
    measure_size(yolov5n)

    assert not yolov5n.trained.training

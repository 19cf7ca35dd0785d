"""Multiply-adds against formulas and published counts."""

import pytest
import torch
from torch import Tensor, nn

from suite.metrics.cost.flops import count
from suite.metrics.cost.forms import Forms, build_forms
from suite.metrics.cost.work import record
from suite.spec.library import Library
from tests.narrowing import opened


def measure_flops(forms, image_size=640):
    """Both forms of a variant."""
    return [count(model, form, image_size) for form, model in forms.each()]


@pytest.fixture(scope="module")
def yolov5s() -> Forms:
    return build_forms(Library().load("yolov5s"))


class Shared(nn.Module):
    """Runs one convolution twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1, groups=4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(self.conv(x))
        return out


def test_a_strided_convolution_counts_its_outputs():
    model = nn.Conv2d(3, 32, 6, stride=2, padding=2).to("meta")

    (call,) = record(model, torch.empty(1, 3, 64, 64, device="meta"))

    assert call.macs == 32 * 32 * 32 * (3 * 36)


def test_a_grouped_convolution_that_runs_twice_counts_twice():
    calls = record(Shared().to("meta"), torch.empty(1, 8, 10, 10, device="meta"))

    assert [call.macs for call in calls] == [8 * 100 * (2 * 9)] * 2
    assert {call.path for call in calls} == {"conv"}


def test_a_linear_layer_counts_inputs_times_outputs():
    calls = record(nn.Linear(10, 20), torch.zeros(3, 10))

    assert [(call.operator, call.macs, call.own_weight) for call in calls] == [("addmm", 600, True)]


def test_elementwise_work_is_not_counted():
    model = nn.Sequential(
        nn.BatchNorm2d(4), nn.SiLU(), nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
    ).eval()

    assert record(model, torch.zeros(1, 4, 8, 8)) == ()


def test_counting_on_the_meta_device_equals_counting_a_real_pass():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1)).eval()

    real = record(model, torch.zeros(1, 3, 32, 32))

    assert record(model.to("meta"), torch.empty(1, 3, 32, 32, device="meta")) == real


def test_counting_leaves_no_hook_behind():
    before = len(nn.modules.module._global_forward_hooks)

    record(nn.Conv2d(3, 8, 3), torch.zeros(1, 3, 8, 8))

    assert len(nn.modules.module._global_forward_hooks) == before


def test_a_pass_that_fails_leaves_no_hook_behind():
    before = len(nn.modules.module._global_forward_pre_hooks)

    with pytest.raises(RuntimeError):
        record(nn.Conv2d(3, 8, 3), torch.zeros(1, 4, 8, 8))

    assert len(nn.modules.module._global_forward_pre_hooks) == before


def test_counting_does_not_touch_norm_statistics_or_mode():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).eval()

    record(model, torch.ones(1, 3, 8, 8))

    assert not model.training
    assert torch.equal(opened(model)[1].running_mean, torch.zeros(8))


@pytest.mark.parametrize(
    ("name", "gmacs", "digits"),
    [
        ("yolov5s", 8.217, 3),
        ("yolov5s_convnext_t", 39.94, 2),
        ("yolov5s_odconv_all_k4", 8.218, 3),
        ("yolov5s_efficientnetv2_printed", 2.689, 3),
        ("yolov5s_efficientnetv2_corrected", 5.636, 3),
        ("yolov5s_efficientnetv2_s", 26.16, 2),
    ],
)
def test_variants_cost_what_is_published(name, gmacs, digits):
    trained, _ = measure_flops(build_forms(Library().load(name)))

    assert round(trained.samples[0], digits) == gmacs


def test_parts_stages_and_layers_each_add_up_to_the_total(yolov5s):
    for measurement in measure_flops(yolov5s):
        notes = measurement.notes
        sums = [
            sum(notes["by_part"].values()),
            sum(notes["by_stage"].values()),
            sum(layer["gmacs"] for layer in notes["layers"]),
        ]
        assert sums == pytest.approx([measurement.samples[0]] * 3)


def test_the_stem_costs_its_formula_and_is_the_first_layer(yolov5s):
    trained, _ = measure_flops(yolov5s)

    stem = trained.notes["layers"][0]
    assert stem["gmacs"] == pytest.approx(320 * 320 * 32 * 3 * 36 / 1e9)
    assert (stem["address"], stem["stride"], stem["out_channels"]) == ("backbone.0", 2, 32)
    assert stem["params"] == 32 * 3 * 36 + 2 * 32


def test_merged_branches_cost_less_when_deployed():
    trained, deployed = measure_flops(build_forms(Library().load("yolov5s_repvit_m0_9")), 256)

    assert deployed.samples[0] < trained.samples[0]


def test_cost_grows_with_the_area_for_a_convolutional_network(yolov5s):
    small, large = (count(yolov5s.trained, "trained", size).samples[0] for size in (320, 640))

    assert large == pytest.approx(4 * small)


def test_the_settings_state_the_image(yolov5s):
    trained, _ = measure_flops(yolov5s, 320)

    assert trained.settings == {"image_size": 320, "batch": 1, "classes": 80}

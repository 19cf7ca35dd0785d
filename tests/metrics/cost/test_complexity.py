"""The measurements of complexity: formulas, shares that add up, and what they say beside each layer."""

import pytest
from torch import nn

from suite.metrics.cost.complexity import measure_complexity, weight_bytes
from suite.metrics.cost.flops import count
from suite.metrics.cost.forms import Forms, build_forms
from suite.record import Measurement
from suite.spec.library import Library
from tests.narrowing import opened

MIB = 2**20


@pytest.fixture(scope="module")
def yolov5n() -> Forms:
    return build_forms(Library().load("yolov5n"))


@pytest.fixture(scope="module")
def found(yolov5n) -> dict[tuple[str, str], Measurement]:
    return {(m.metric, m.form): m for m in measure_complexity(yolov5n)}


def test_multiply_adds_are_those_that_are_counted_alone(yolov5n, found):
    for form, model in yolov5n.each():
        alone = count(model, form, 640)
        beside = found["gmacs", alone.form]
        assert beside.samples == alone.samples
        assert beside.notes["by_stage"] == alone.notes["by_stage"]


@pytest.mark.parametrize("form", ["trained", "deployed"])
@pytest.mark.parametrize("metric", ["activations", "hidden_gops"])
def test_parts_stages_and_layers_add_up(found, metric, form):
    measured = found[metric, form]
    layers = found["gmacs", form].notes["layers"]

    sums = [sum(measured.notes["by_part"].values()), sum(measured.notes["by_stage"].values())]
    assert [*sums, sum(layer[metric] for layer in layers)] == pytest.approx(
        [measured.samples[0]] * 3
    )


def test_kinds_of_hidden_work_add_up(found):
    for form in ("trained", "deployed"):
        measured = found["hidden_gops", form]
        assert sum(measured.notes["kinds"].values()) == pytest.approx(measured.samples[0])


def test_the_stem_of_yolov5n_has_its_formulas(found):
    stem = found["gmacs", "deployed"].notes["layers"][0]
    out, image, weights = 16 * 320 * 320, 3 * 640 * 640, 16 * 3 * 36 + 16

    assert stem["activations"] == out / 1e6
    assert stem["hidden_gops"] == out / 1e9  # its activation function
    assert stem["intensity"] == pytest.approx(2 * out * 3 * 36 / (4 * (out + image + weights)))
    assert found["gmacs", "trained"].notes["layers"][0]["field"] == 6


def test_weights_are_four_bytes_a_parameter_and_half_of_it_in_half_precision(found):
    weights = found["weights_mib", "deployed"]

    assert weights.samples == (4 * 1_867_405 / MIB,)
    assert weights.notes["fp16"] == 2 * 1_867_405 / MIB


def test_eight_bits_hold_matrices_and_every_output_channel_has_a_scale():
    model = nn.Sequential(nn.Conv2d(3, 8, 5), nn.BatchNorm2d(8), nn.Linear(7, 2))

    numbers = 8 * 3 * 25 + 7 * 2
    assert weight_bytes(model)["int8"] == numbers + 4 * (8 + 2) + 4 * (8 + 2 * 8 + 2)


def test_the_fields_are_those_of_the_heads_maps_and_the_notes_have_every_tag(found):
    fields = found["receptive_field", "trained"]
    taps = {tag: tap for tap in fields.notes["taps"] for tag in tap["tags"]}

    assert fields.samples == tuple(taps[tag]["pixels"] for tag in ("n3", "n4", "n5"))
    assert all(taps[tag]["head"] for tag in ("n3", "n4", "n5"))
    assert (taps["p3"]["stride"], taps["p3"]["whole"], taps["p3"]["head"]) == (8, None, False)


def test_the_field_of_a_backbone_tap_follows_from_its_kernels(found):
    # kernels and products of strides up to p3: the stem, a convolution, one bottleneck, a convolution, two bottlenecks
    steps = [(6, 1), (3, 2), (3, 4), (3, 4), (3, 8), (3, 8)]
    taps = {
        tag: tap for tap in found["receptive_field", "trained"].notes["taps"] for tag in tap["tags"]
    }

    assert taps["p3"]["pixels"] == 1 + sum((kernel - 1) * before for kernel, before in steps)


def test_a_gate_by_a_global_mean_is_named():
    measured = measure_complexity(build_forms(Library().load("yolov5s_se")), 320)
    taps = opened(next(m for m in measured if m.metric == "receptive_field").notes["taps"])

    assert taps[0]["pixels"] > 1
    assert str(taps[0]["whole"]).startswith("backbone.")


def test_the_settings_state_the_image(yolov5n):
    assert {m.settings["image_size"] for m in measure_complexity(yolov5n, 320)} == {320}

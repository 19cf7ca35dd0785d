"""Building: channels and strides are inferred, edits choose convolutions, errors point at the line."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from suite.nn.deploy import deploy
from suite.nn.detector import Detector, apply_schedules, build, convolutions, replaced_convolutions
from suite.nn.layers import DropPath
from suite.spec.library import Library
from suite.spec.records.variant import ConvEdit, Layer, Schedule, Selector, Variant
from suite.yaml.errors import SpecError
from suite.yaml.mark import Mark
from tests.narrowing import opened

PUBLISHED = {
    "yolov5n": (1_872_157, 1_867_405),
    "yolov5s": (7_235_389, 7_225_885),
    "yolov5m": (21_190_557, 21_172_173),
    "yolov5l": (46_563_709, 46_533_693),
    "yolov5x": (86_749_405, 86_705_005),
}


@pytest.fixture(scope="module")
def yolov5p() -> Variant:
    return Library().load("yolov5p")


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_size_has_the_published_parameters_trained_and_deployed(name: str) -> None:
    model = build(Library().load(name), device="meta")

    assert (_parameters(model), _parameters(deploy(model))) == PUBLISHED[name]


def test_building_leaves_the_norm_statistics_untouched(yolov5p: Variant) -> None:
    norms = [opened(m) for m in build(yolov5p).modules() if isinstance(m, nn.BatchNorm2d)]

    assert norms
    assert all(int(norm.num_batches_tracked) == 0 for norm in norms)
    assert all(bool((norm.running_var == 1).all()) for norm in norms)


def test_one_seed_gives_one_network_and_another_seed_another(yolov5p: Variant) -> None:
    first, again, other = (
        opened(build(yolov5p, seed=seed)).backbone[0].conv.weight for seed in (0, 0, 1)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_building_leaves_the_global_generator_where_it_was(yolov5p: Variant) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)

    build(yolov5p, seed=0)

    assert torch.equal(torch.rand(1), expected)


def test_two_variants_share_the_values_of_common_layers(yolov5p: Variant) -> None:
    edited = replace(yolov5p, conv_edits=(_edit(kernel=(3,), part=("neck",)),))

    plain, changed = opened(build(yolov5p, seed=3)), opened(build(edited, seed=3))

    assert torch.equal(plain.backbone[4].merge.conv.weight, changed.backbone[4].merge.conv.weight)


def test_layers_behind_one_that_is_inserted_start_from_the_same_values() -> None:
    models = [build(Library().load(name), seed=3) for name in ("yolov5s", "yolov5s_cbam")]

    plain, changed = (
        {node.role: model.get_submodule(node.address) for node in model.graph} for model in models
    )

    assert len(changed) > len(plain)
    assert all(same_state(layer, changed[role]) for role, layer in plain.items())


def test_a_replaced_convolution_leaves_the_start_of_those_beside_it_alone(yolov5p: Variant) -> None:
    edited = replace(
        yolov5p, conv_edits=(_edit(kernel=(3,), part=("backbone",), block=("c3.C3",)),)
    )

    plain, changed = (build(model, seed=3).backbone[2].state_dict() for model in (yolov5p, edited))
    beside = [name for name, tensor in plain.items() if tensor.ndim == 4 and tensor.shape[-1] == 1]

    assert len(beside) == 4  # of C3 with one bottleneck: all but its 3x3
    assert plain.keys() != changed.keys()
    assert all(torch.equal(plain[name], changed[name]) for name in beside)


def test_an_edited_variant_does_not_influence_the_next_one_built(yolov5p: Variant) -> None:
    before = build(yolov5p, seed=0).state_dict()
    build(replace(yolov5p, conv_edits=(_edit(kernel=(3,)),)), seed=0)
    after = build(yolov5p, seed=0).state_dict()

    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_yolov5s_backbone_has_eleven_3x3_convolutions_four_of_them_of_stride_2() -> None:
    sites = [
        s for s in convolutions(Library().load("yolov5s")) if s.part == "backbone" and s.kernel == 3
    ]

    assert (len(sites), sum(site.stride == 2 for site in sites)) == (11, 4)


def test_a_selector_ands_its_keys_and_takes_any_value_of_a_list() -> None:
    sites = convolutions(Library().load("yolov5s"))
    select = Selector(
        part=("backbone",), stage=(8, 16), kernel=(3,), block=("c3.C3",), path=("*.mix.conv",)
    )

    assert [s.layer for s in sites if s.matches(select)] == ["backbone.4"] * 2 + ["backbone.6"] * 3


def test_an_edit_that_matches_nothing_is_an_error_that_shows_what_there_is(
    yolov5p: Variant,
) -> None:
    edited = replace(yolov5p, conv_edits=(_edit(kernel=(7,)),))

    with pytest.raises(
        SpecError, match=r"v.yaml:3:5: error E301 in yolov5p: .*`kernel: 7`; .*: 1, 3, 6$"
    ):
        build(edited)


def test_an_edit_that_matches_another_number_than_it_says_is_an_error(yolov5p: Variant) -> None:
    edited = replace(yolov5p, conv_edits=(_edit(kernel=(6,), count=2),))

    with pytest.raises(
        SpecError, match=r"the edit matches 1 convolutions, count says 2; matched: backbone.0.conv"
    ):
        build(edited)


def test_a_map_without_a_whole_stride_is_an_error_at_its_line(yolov5p: Variant) -> None:
    layer = Layer(
        "conv.Conv", "backbone", 16, options={"kernel": 3, "padding": 0}, mark=Mark("v.yaml", 9, 5)
    )
    broken = replace(yolov5p, layers=(layer, *yolov5p.layers[1:]))

    with pytest.raises(
        SpecError,
        match=r"v.yaml:9:5: error E303 in yolov5p: backbone.0 \(conv.Conv\) .* no whole stride",
    ):
        build(broken)


def test_what_a_block_refuses_is_an_error_at_its_line(yolov5p: Variant) -> None:
    layer = Layer("conv.Conv", "backbone", 16, options={"groups": 2}, mark=Mark("v.yaml", 9, 5))
    broken = replace(yolov5p, layers=(layer, *yolov5p.layers[1:]))

    with pytest.raises(
        SpecError,
        match=r"v.yaml:9:5: error E304 in yolov5p: backbone.0 .* cannot take 3 channels of the image",
    ):
        build(broken)


def test_maps_of_two_sizes_that_are_to_be_joined_are_named_with_their_channels_and_strides(
    yolov5p: Variant,
) -> None:
    layers = list(yolov5p.layers)
    index = next(i for i, layer in enumerate(layers) if layer.inputs == ("last", "p3"))
    layers[index] = replace(layers[index], inputs=("last", "p4"), mark=Mark("v.yaml", 9, 5))

    message = r"cannot join 32 channels of neck.4, 64 of p4 \(backbone.6\): their strides are 8, 16"
    with pytest.raises(
        SpecError, match=rf"v.yaml:9:5: error E304 in yolov5p: neck.5 \(c3.C3\) {message}"
    ):
        build(replace(yolov5p, layers=tuple(layers)))


def test_an_error_says_that_no_edit_reaches_into_a_block_that_builds_its_own_convolutions() -> None:
    pytest.importorskip("timm")
    timm = Library().load("yolov5s_timm_ghostnet")
    edited = replace(timm, conv_edits=(_edit(part=("backbone",), kernel=(3,)),))

    with pytest.raises(
        SpecError, match=r"no edit reaches into timm.Backbone, which builds its own"
    ):
        build(edited, device="meta")


def test_the_replaced_convolutions_are_known_with_their_operators(yolov5p: Variant) -> None:
    edited = replace(yolov5p, conv_edits=(_edit(kernel=(6,)),))

    assert [(s.path, operator) for s, operator in replaced_convolutions(edited)] == [
        ("backbone.0.conv", edited.conv_edits[0].operator)
    ]


def test_the_graph_knows_the_stride_and_channels_of_every_layer() -> None:
    model = build(Library().load("yolov5s"), device="meta")

    known = [(n.stride, n.out_channels[0]) for n in model.graph if n.part == "backbone"]

    assert known == [
        (2, 32), (4, 64), (4, 64), (8, 128), (8, 128), (16, 256), (16, 256), (32, 512), (32, 512), (32, 512)
    ]  # fmt: skip


def test_one_class_and_one_image_work_in_training(yolov5p: Variant) -> None:
    raw = build(yolov5p, 1, seed=0)(torch.rand(1, 3, 64, 96))

    assert [tuple(level.shape) for level in raw] == [
        (1, 3, 8, 12, 6),
        (1, 3, 4, 6, 6),
        (1, 3, 2, 3, 6),
    ]


def test_the_deployed_form_equals_the_trained_one_to_the_last_digits_of_float64(
    yolov5p: Variant,
) -> None:
    model = build(yolov5p, 4, seed=0).double()
    model(torch.rand(4, 3, 64, 64, dtype=torch.float64))  # statistics that are not the initial ones
    images = torch.rand(2, 3, 64, 64, dtype=torch.float64)

    with torch.no_grad():
        trained, deployed = model.eval().predict(images), deploy(model).predict(images)

    torch.testing.assert_close(deployed, trained, rtol=1e-9, atol=0)


def test_deploying_leaves_the_model_as_it_was(yolov5p: Variant) -> None:
    model = build(yolov5p, 4, seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}

    deploy(model)

    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_network_compiles_into_one_graph(yolov5p: Variant) -> None:
    model = deploy(build(yolov5p, 4, seed=0))

    explained = torch._dynamo.explain(model.predict)(torch.rand(1, 3, 64, 64))

    assert explained.graph_break_count == 0


@pytest.mark.parametrize(
    ("progress", "expected"), [(0.0, 30.0), (0.05, 15.5), (0.1, 1.0), (1.0, 1.0)]
)
def test_a_schedule_runs_linearly_and_then_stays(
    yolov5p: Variant, progress: float, expected: float
) -> None:
    variant = replace(yolov5p, schedules=(Schedule("conv.Conv", "temperature", 30.0, 1.0, 0.1),))
    model = build(variant, 4)

    apply_schedules(model, variant, progress)

    assert model.backbone[0].temperature == pytest.approx(expected)


def drop_path_rates(name: str, schedule: Schedule, progress: float) -> list[float]:
    variant = replace(Library().load(name), schedules=(schedule,))
    model = build(variant, 4, device="meta")

    apply_schedules(model, variant, progress)

    return [module.rate for module in model.modules() if isinstance(module, DropPath)]


def test_stochastic_depth_grows_linearly_over_the_blocks() -> None:
    schedule = Schedule("convnext.ConvNeXt", "drop_path", 0.0, 0.17, 0.0, "blocks")

    rates = drop_path_rates("yolov5s_convnext_t", schedule, 0.0)

    assert rates == pytest.approx([0.01 * index for index in range(18)])  # 3 + 3 + 9 + 3 blocks


def test_blocks_inside_a_stage_are_counted_one_by_one() -> None:
    schedule = Schedule("swin.Stage", "drop_path", 0.1, 0.2, 0.0, "blocks")

    rates = drop_path_rates("yolov5s_swin_t", schedule, 0.5)

    assert rates == pytest.approx([0.1 + 0.1 * index / 11 for index in range(12)])  # 2 + 2 + 6 + 2


@pytest.mark.parametrize(("progress", "share"), [(0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (1.0, 1.0)])
def test_stochastic_depth_over_the_blocks_may_take_its_time(progress: float, share: float) -> None:
    schedule = Schedule("convnext.ConvNeXt", "drop_path", 0.0, 0.17, 0.5, "blocks")

    rates = drop_path_rates("yolov5s_convnext_t", schedule, progress)

    assert rates == pytest.approx([0.01 * share * index for index in range(18)])


def test_stochastic_depth_may_be_the_same_in_all_blocks() -> None:
    schedule = Schedule("convnext.ConvNeXt", "drop_path", 0.0, 0.2, 0.1)

    assert set(drop_path_rates("yolov5s_convnext_t", schedule, 1.0)) == {0.2}


def _edit(*, count: int | None = None, **select) -> ConvEdit:
    return ConvEdit(
        Selector(count=count, **select), "odconv.ODConv", {"kernels": 1}, Mark("v.yaml", 3, 5)
    )


def same_state(one: nn.Module, other: nn.Module) -> bool:
    there = other.state_dict()
    return all(torch.equal(tensor, there[name]) for name, tensor in one.state_dict().items())


def _parameters(model: Detector) -> int:
    return sum(p.numel() for p in model.parameters())

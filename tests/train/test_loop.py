import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from suite.datasets.loading.loader import Batch
from suite.nn.detector import Detector, build
from suite.nn.suppression import nms
from suite.spec.library import Library
from suite.spec.records.objective import Assigner, Loss
from suite.spec.records.variant import Layer, Schedule, Variant
from suite.train.diverged import TrainingDiverged
from suite.train.flat import FlatState
from suite.train.host import fast_pointwise
from suite.train.loop import Progress, Trained
from suite.train.losses.assign import Priors
from suite.train.losses.loss import DetectionLoss
from suite.train.optim import Pace, cosine_factor, optimizer, parameter_groups
from suite.train.recipe import Recipe, recipe
from suite.yaml.errors import SpecError
from tests.narrowing import opened
from tests.train.trainings import train

TINY = recipe("tiny")
BRISK = replace(TINY, schedule=replace(TINY.schedule, warmup_steps=2))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The bits of a sum depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trained(
    variant: Variant, batches: list[Batch], made: Recipe = BRISK, steps: int = 6, seed: int = 0
) -> Trained:
    return train(build(variant, 2, seed=seed), variant, batches, made, steps=steps, seed=seed)


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


def test_the_same_seed_gives_the_same_weights_bit_for_bit(
    mini: Variant, batches: list[Batch]
) -> None:
    first, second = (state(trained(mini, batches).ema_model) for _ in range(2))

    assert not changed(first, second)


def test_every_trainable_parameter_gets_a_gradient(mini: Variant, batches: list[Batch]) -> None:
    model = build(mini, 2, seed=0)
    before = state(model)

    train(model, mini, batches, BRISK, steps=3)

    constant = {"head.anchors"} | {name for name in before if name.endswith("num_batches_tracked")}
    assert changed(before, state(model)) >= set(before) - constant


def test_a_decoupled_network_trains_with_simota(mini: Variant, batches: list[Batch]) -> None:
    head = Layer("decoupled.DecoupledHead", "head")
    free = replace(mini, layers=(*mini.layers[:-1], head), assigner=Assigner("simota"))
    model = build(free, 2, seed=0)
    before = state(model)

    result = train(model, free, batches, BRISK, steps=3)

    still = {name for name in before if name.endswith("num_batches_tracked")}
    assert changed(before, state(model)) >= set(before) - still
    assert min(result.curve[-1].box, result.curve[-1].obj, result.curve[-1].cls) > 0


def test_batches_are_seen_at_the_size_they_name(mini: Variant, batches: list[Batch]) -> None:
    model = build(mini, 2, seed=0)
    seen: list[Tensor] = []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    sizes = [None, (32, 32), (64, 32), (48, 48)]

    train(
        model,
        mini,
        [replace(batch, size=size) for batch, size in zip(batches, sizes, strict=False)],
        BRISK,
        steps=4,
    )

    assert [tuple(images.shape[2:]) for images in seen] == [(32, 32), *sizes[1:]]
    rows = (torch.arange(64) + 0.5) / 2 - 0.5  # blended between the centres of pixels
    low, share = rows.floor().long().clamp(0, 31), (rows - rows.floor())[:, None]
    source = batches[2].images / 255
    blended = (
        source[:, :, low] * (1 - share)
        + source[:, :, (rows.floor().long() + 1).clamp(0, 31)] * share
    )
    torch.testing.assert_close(seen[2], blended, rtol=0, atol=1e-5)


def test_a_variants_loss_is_the_one_that_is_trained(mini: Variant, batches: list[Batch]) -> None:
    usual, other = (
        trained(replace(mini, loss=loss), batches).curve[-1] for loss in (Loss(), Loss(box="nwd"))
    )

    assert usual.box != other.box


def test_one_flat_buffer_trains_like_torch_on_separate_tensors(
    mini: Variant, batches: list[Batch]
) -> None:
    flat, separate = build(mini, 2, seed=0).double(), build(mini, 2, seed=0).double()
    layout = FlatState(flat)
    by_flat = optimizer(layout.groups, BRISK.optimizer, batch=2)
    groups = {group.kind: list(group.parameters) for group in parameter_groups(separate)}
    by_torch = torch.optim.AdamW(
        [
            {"params": p, "kind": k, "factor": 1.0, "weight_decay": 0.05 if k == "weight" else 0.0}
            for k, p in groups.items()
        ],
        betas=(0.9, 0.99),
    )
    pace = Pace(BRISK, steps=5, batch=2)
    for step, batch in enumerate(batches[:5]):
        images = batch.images.double() / 255
        for model, mover in ((flat, by_flat), (separate, by_torch)):
            loss = DetectionLoss(Priors(opened(model.head).anchors, model.strides), BRISK.loss)
            loss(model(images), batch.targets)[0].backward()
            pace.set(mover, step)
        nn.utils.clip_grad_norm_(layout.groups.values(), 10)
        nn.utils.clip_grad_norm_(separate.parameters(), 10)
        by_flat.step()
        layout.gradient.zero_()
        by_torch.step()
        by_torch.zero_grad()

    layout.release()
    for (name, mine), theirs in zip(flat.named_parameters(), separate.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12, msg=name)


def test_every_tensor_of_the_flat_buffer_begins_where_whole_vectors_can_be_loaded(
    mini: Variant,
) -> None:
    model = build(mini, 2, seed=0)
    layout = FlatState(model)

    floating = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    laid_out = [*model.parameters(), *floating, *gradients, *layout.groups.values()]
    assert any(tensor.numel() % 4 for tensor in laid_out), "nothing here could stand badly"
    assert {tensor.data_ptr() % 64 for tensor in laid_out} == {0}


def test_released_model_and_average_share_no_memory(mini: Variant, batches: list[Batch]) -> None:
    model = build(mini, 2, seed=0)

    averaged = train(model, mini, batches, BRISK, steps=2).ema_model

    tensors = [*model.state_dict().values(), *averaged.state_dict().values()]
    storages = {tensor.untyped_storage().data_ptr() for tensor in tensors}
    assert len(storages) == len(tensors)


def test_the_average_is_in_evaluation_mode_and_lags_behind(
    mini: Variant, batches: list[Batch]
) -> None:
    model = build(mini, 2, seed=0)
    start = opened(model.head).outputs[0].bias.clone()

    averaged = train(model, mini, batches, BRISK, steps=6).ema_model

    assert not any(module.training for module in averaged.modules())
    moved = (opened(model.head).outputs[0].bias - start).abs().sum()
    assert 0 < (opened(averaged.head).outputs[0].bias - start).abs().sum() < moved


def test_frozen_parts_keep_weights_and_norm_statistics(mini: Variant, batches: list[Batch]) -> None:
    frozen = replace(mini, freeze=("backbone", "neck"))
    before = state(build(frozen, 2, seed=0))

    after = state(trained(frozen, batches).ema_model)

    assert {name.split(".")[0] for name in changed(before, after)} == {"head"}


def test_a_frozen_stage_keeps_its_weights_and_the_others_do_not(
    mini: Variant, batches: list[Batch]
) -> None:
    frozen = replace(mini, freeze=("backbone 2",))
    before = state(build(frozen, 2, seed=0))

    changes = changed(before, state(trained(frozen, batches).ema_model))

    assert not any(name.startswith("backbone.0.") for name in changes)
    assert {
        "backbone.1.conv.weight",
        "backbone.1.norm.running_mean",
        "neck.0.conv.weight",
    } <= changes


def test_a_stage_that_is_not_there_cannot_be_frozen(mini: Variant, batches: list[Batch]) -> None:
    with pytest.raises(
        SpecError, match=r"`freeze` matches no layer with 'backbone 16'; the strides .* are: 2, 4"
    ):
        trained(replace(mini, freeze=("backbone 16",)), batches)


class Recorder:
    """Keeps the values that a scheduled attribute takes, by step."""

    def __init__(self, model: Detector, layer: str) -> None:
        self.seen: list[float] = []
        model.get_submodule(layer).register_forward_pre_hook(
            lambda module, _: self.seen.append(module.temperature)
        )


def test_a_schedule_runs_from_its_start_to_its_end(mini: Variant, batches: list[Batch]) -> None:
    scheduled = replace(mini, schedules=(Schedule("conv.Conv", "temperature", 30, 1, 0.5),))
    model = build(scheduled, 2, seed=0)
    recorder = Recorder(model, "backbone.0")

    averaged = train(model, scheduled, batches, BRISK, steps=4).ema_model

    assert recorder.seen == [30, 15.5, 1, 1]
    assert averaged.get_submodule("backbone.0").temperature == 1


def test_the_curve_has_a_point_every_ten_steps_and_the_last(
    mini: Variant, batches: list[Batch]
) -> None:
    told: list[Progress] = []

    result = train(build(mini, 2, seed=0), mini, batches, BRISK, steps=24, on_step=told.append)

    assert [point.step for point in result.curve] == [10, 20, 24]
    assert [progress.point for progress in told] == list(result.curve)
    assert result.curve[0].lr == pytest.approx(0.004 * cosine_factor(9 / 24, 0.02))


def test_accumulated_batches_move_the_weights_once(mini: Variant, batches: list[Batch]) -> None:
    made = replace(
        BRISK,
        optimizer=replace(BRISK.optimizer, nominal_batch=8),
        schedule=replace(BRISK.schedule, warmup_steps=0),
    )
    model = build(mini, 2, seed=0)
    weights: list[Tensor] = []
    model.register_forward_pre_hook(
        lambda *_: weights.append(opened(model.head).outputs[0].weight.detach().clone())
    )

    train(model, mini, batches, made, steps=9)

    moves = [not torch.equal(a, b) for a, b in itertools.pairwise(weights)]
    assert moves == [False, False, False, True, False, False, False, True]


@pytest.mark.parametrize("there", [0, 5])
def test_too_few_batches_are_an_error(mini: Variant, batches: list[Batch], there: int) -> None:
    with pytest.raises(ValueError, match=f"the data ended after {there} of 6 steps"):
        trained(mini, batches[:there])


def test_divergence_names_the_step_and_the_layer_that_breaks(
    mini: Variant, batches: list[Batch]
) -> None:
    model = build(mini, 2, seed=0)
    passes: list[int] = []

    def break_from_the_third_pass(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        passes.append(1)
        return output if len(passes) < 3 else output / 0

    model.get_submodule("backbone.1.norm").register_forward_hook(break_from_the_third_pass)

    with pytest.raises(
        TrainingDiverged,
        match=r"step 3: the box and objectness and class loss is not finite: .*backbone\.1\.norm",
    ) as caught:
        train(model, mini, batches, BRISK, steps=6)

    assert caught.value.step == 3


def test_broken_weights_are_named(mini: Variant, batches: list[Batch]) -> None:
    model = build(mini, 2, seed=0)
    opened(model.get_submodule("neck.0.conv")).weight.data[0] = torch.nan

    with pytest.raises(
        TrainingDiverged, match=r"step 1: .* the weights of neck\.0\.conv\.weight are not finite"
    ):
        train(model, mini, batches, BRISK, steps=6)


def test_a_gradient_that_is_not_finite_never_reaches_the_weights(
    mini: Variant, batches: list[Batch]
) -> None:
    model = build(mini, 2, seed=0)
    model.get_submodule("neck.0.conv").register_full_backward_hook(
        lambda _module, gradients, _out: tuple(x * torch.inf for x in opened(gradients))
    )

    with pytest.raises(
        TrainingDiverged, match=r"step 1: the gradient of backbone\.1\.norm\.bias is not finite"
    ):
        train(model, mini, batches, BRISK, steps=6)

    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


def test_bf16_trains_close_to_single_precision(mini: Variant, batches: list[Batch]) -> None:
    single = trained(mini, batches, steps=10).curve[-1]
    half = trained(mini, batches, replace(BRISK, precision="bf16"), steps=10).curve[-1]

    assert half.obj == pytest.approx(single.obj, rel=0.05)


def test_large_pointwise_convolutions_change_kernel_but_not_result(mini: Variant) -> None:
    wide = replace(
        mini,
        layers=(
            mini.layers[0],
            replace(mini.layers[1], stride=1, options={"kernel": 1}),
            *mini.layers[2:],
        ),
    )
    model = build(wide, 2, seed=0).eval()
    images = torch.rand(8, 3, 128, 128)
    conv = opened(model.get_submodule("backbone.1.conv"))

    with torch.no_grad():
        plain = model(images)
        with fast_pointwise(model, batch=8, image_size=128):
            during = conv.dilation
            fast = model(images)

    assert (during, conv.dilation) == ((2, 2), (1, 1))
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_handful_of_images_is_learnt_by_heart() -> None:
    """Four images of one bright square each: every square is found with certainty, and nothing else is."""
    variant = Library().load("yolov5p")
    images = torch.randint(
        0, 120, (4, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    places = [(8, 8), (32, 12), (12, 36), (34, 34)]
    rows = []
    for index, (x, y) in enumerate(places):
        images[index, index % 3, y : y + 20, x : x + 20] += 130
        rows.append([index, index % 2, (x + 10) / 64, (y + 10) / 64, 20 / 64, 20 / 64])
    model = build(variant, 2, seed=0)

    train(model, variant, [Batch(images, torch.tensor(rows))] * 500, TINY, steps=500)

    with torch.no_grad():
        found = nms(model.eval().predict(images / 255), confidence=0.8)
    for index, (x, y) in enumerate(places):
        assert found[index][:, 5].tolist() == [index % 2]
        torch.testing.assert_close(
            found[index][0, :4], torch.tensor([x, y, x + 20.0, y + 20.0]), rtol=0, atol=2
        )

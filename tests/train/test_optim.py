import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.nn.layers import LayerNorm2d
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.train.ema import Ema, ema_decay
from suite.train.flat import FlatState
from suite.train.optim import Kind, Pace, cosine_factor, linear_factor, optimizer, parameter_groups
from suite.train.recipe import EmaSettings, OptimizerSettings, recipe

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/yolov5/ops.json").read_text())
TINY, LOW = recipe("tiny"), recipe("scratch-low")


class Scaled(nn.Module):
    """A convolution, a norm of our own and a bare parameter, as ConvNeXt's layer scale."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 1)
        self.norm = LayerNorm2d(3)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x)) * self.scale[:, None, None]
        return out


@pytest.mark.parametrize(("epoch", "factor"), GOLDEN["cosine_lr_factor_300_epochs_lrf_0.01"])
def test_cosine_schedule_is_the_references(epoch: int, factor: float) -> None:
    assert cosine_factor(epoch / 300, 0.01) == pytest.approx(factor, rel=1e-9)


@pytest.mark.parametrize(("epoch", "factor"), GOLDEN["linear_lr_factor_300_epochs_lrf_0.01"])
def test_linear_schedule_is_the_references(epoch: int, factor: float) -> None:
    assert linear_factor(epoch / 300, 0.01) == pytest.approx(factor, rel=1e-9)


@pytest.mark.parametrize(("update", "decay"), GOLDEN["ema_decay"])
def test_decay_of_the_average_is_the_references(update: int, decay: float) -> None:
    assert ema_decay(EmaSettings(decay=0.9999, ramp=2000), update) == pytest.approx(decay, rel=1e-9)


def test_decay_without_ramp_is_the_same_at_every_update() -> None:
    assert {ema_decay(EmaSettings(decay=0.99, ramp=0), update) for update in (1, 10, 1000)} == {
        0.99
    }


def test_average_moves_by_the_part_that_is_not_kept() -> None:
    values = torch.tensor([1.0, 2.0])
    average = Ema(values, EmaSettings(decay=0.75, ramp=0))
    values += 4

    average.update()

    assert average.average.tolist() == [2.0, 3.0]


def test_bare_parameters_decay_and_norms_and_biases_do_not() -> None:
    groups = {
        group.kind: [tuple(p.shape) for p in group.parameters]
        for group in parameter_groups(Scaled())
    }

    assert groups == {"bias": [(3,), (3,)], "weight": [(3,), (3, 2, 1, 1)], "norm weight": [(3,)]}


def test_frozen_parameters_are_in_no_group() -> None:
    model = Scaled()
    model.conv.requires_grad_(requires_grad=False)

    assert [len(group.parameters) for group in parameter_groups(model)] == [1, 1, 1]


def test_a_shared_parameter_is_moved_once() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight

    assert [len(group.parameters) for group in parameter_groups(model)] == [2, 1, 0]


def test_decay_is_scaled_by_what_the_accumulated_batches_make_up() -> None:
    flat: dict[tuple[Kind, float], nn.Parameter] = {
        ("weight", 1.0): nn.Parameter(torch.ones(1)),
        ("bias", 1.0): nn.Parameter(torch.ones(1)),
    }

    # 64 / 24 rounds to 3 batches, which are 72 images
    groups = optimizer(flat, OptimizerSettings(decay=0.5, nominal_batch=64), batch=24).param_groups

    assert [group["weight_decay"] for group in groups] == [0.5 * 72 / 64, 0.0]


def test_rate_rises_over_the_warm_up_and_falls_to_its_end() -> None:
    pace = Pace(TINY, steps=600, batch=8)

    assert pace.rate(0) == 0
    assert pace.rate(25) == pytest.approx(
        0.5 * TINY.optimizer.rate * cosine_factor(25 / 600, TINY.schedule.final)
    )
    assert pace.rate(600) == pytest.approx(TINY.optimizer.rate * TINY.schedule.final)


def test_biases_come_down_to_the_schedule_in_yolov5s_warm_up() -> None:
    pace = Pace(LOW, steps=1000, batch=64)

    assert (pace.rate(0, "bias"), pace.rate(0, "weight")) == (0.1, 0.0)
    assert (
        pace.rate(100, "bias")
        == pace.rate(100, "weight")
        == pytest.approx(0.01 * linear_factor(0.1, 0.01))
    )


def test_warm_up_takes_its_share_of_a_long_run() -> None:
    assert Pace(LOW, steps=500_000, batch=64).warmup == 5_000


def test_accumulation_grows_over_the_warm_up_to_the_nominal_batch() -> None:
    pace = Pace(LOW, steps=1000, batch=16)

    assert [pace.accumulate(step) for step in (0, 50, 100, 999)] == [1, 2, 4, 4]


def test_without_a_nominal_batch_every_batch_moves_the_weights() -> None:
    assert Pace(TINY, steps=1000, batch=2).accumulate(999) == 1


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_each_group_gets_its_rate_and_the_warm_momentum(
    kind: Literal["sgd", "adam", "adamw"],
) -> None:
    made = replace(LOW, optimizer=replace(LOW.optimizer, kind=kind))
    flat: dict[tuple[Kind, float], nn.Parameter] = {
        ("bias", 1.0): nn.Parameter(torch.ones(1)),
        ("weight", 0.25): nn.Parameter(torch.ones(1)),
    }
    moved = optimizer(flat, made.optimizer, batch=8)

    Pace(made, steps=1000, batch=8).set(moved, 50)

    bias, weight = moved.param_groups
    scheduled = 0.01 * linear_factor(0.05, 0.01)
    assert bias["lr"] == pytest.approx((0.1 + scheduled) / 2)
    assert weight["lr"] == pytest.approx(0.25 * scheduled / 2)
    momentum = bias["momentum"] if kind == "sgd" else bias["betas"][0]
    assert momentum == pytest.approx((0.8 + 0.937) / 2)


def test_adam_adds_the_decay_to_the_gradient_and_adamw_takes_it_off_the_weight() -> None:
    """One step on a weight of 2 with gradient 0: Adam's first move is the rate whatever the gradient's size."""
    after = {}
    for kind in ("adam", "adamw"):
        weight = nn.Parameter(torch.full((1,), 2.0))
        weight.grad = torch.zeros(1)
        optimizer(
            {("weight", 1.0): weight}, OptimizerSettings(kind=kind, rate=0.1, decay=0.5), batch=1
        ).step()
        after[kind] = weight.item()

    assert after == {
        "adam": pytest.approx(2 - 0.1, abs=1e-5),
        "adamw": pytest.approx(2 - 0.1 * 0.5 * 2),
    }


def test_layer_decay_lowers_the_rate_stage_by_stage_from_the_neck_down() -> None:
    model = build(Library().load("yolov5p"), 2)

    groups = parameter_groups(model, 0.5)

    names = {id(parameter): name for name, parameter in model.named_parameters()}
    factors = {
        names[id(parameter)]: group.factor for group in groups for parameter in group.parameters
    }
    assert factors.keys() == dict(model.named_parameters()).keys()
    # strides 2, 4, 8, 16 and 32 of YOLOv5's backbone; layers 8 and 9 are the last C3 and SPPF
    stages = {
        "backbone.0": 5,
        "backbone.1": 4,
        "backbone.2": 4,
        "backbone.4": 3,
        "backbone.6": 2,
        "backbone.7": 1,
    }
    stages |= {"backbone.9": 1, "neck.0": 0, "neck.13": 0, "head": 0}
    for layer, stage in stages.items():
        found = {factor for name, factor in factors.items() if name.startswith(f"{layer}.")}
        assert found <= {0.5**stage}
    kinds = {
        name: group.kind
        for group in parameter_groups(model)
        for p in group.parameters
        for name in (names[id(p)],)
    }
    assert {names[id(p)]: group.kind for group in groups for p in group.parameters} == kinds


def test_layer_decay_moves_flat_groups_as_torch_moves_each_tensor(
    batches: list[Batch], mini: Variant
) -> None:
    flat, separate = build(mini, 2, seed=0).double(), build(mini, 2, seed=0).double()
    settings = OptimizerSettings(kind="adamw", rate=0.01, decay=0.05, layer_decay=0.3)
    layout = FlatState(flat, settings.layer_decay)
    by_flat = optimizer(layout.groups, settings, batch=2)
    rows = [
        {
            "params": list(g.parameters),
            "lr": 0.01 * g.factor,
            "weight_decay": 0.05 if g.kind == "weight" else 0.0,
        }
        for g in parameter_groups(separate, settings.layer_decay)
    ]
    by_torch = torch.optim.AdamW(rows, betas=(settings.momentum, settings.second_momentum))
    images = batches[0].images.double() / 255
    for row in by_flat.param_groups:
        row["lr"] = 0.01 * row["factor"]
    for model, mover in ((flat, by_flat), (separate, by_torch)):
        sum(level.square().mean() for level in model(images)).backward()
        mover.step()

    layout.release()
    assert len(layout.groups) == 3 * 3  # two stages of the backbone, and neck and head
    for (name, mine), theirs in zip(flat.named_parameters(), separate.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12, msg=name)

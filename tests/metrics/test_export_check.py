import importlib.machinery
import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.metrics.export_check import (
    ExportCheck,
    broken_expectations,
    judge_strides,
    run_export_check,
)
from suite.spec.library import Library
from suite.spec.records.variant import Expect, Layer, Variant
from suite.yaml.mark import Mark

MARK = Mark("v.yaml", 9, 5)


class Sound(nn.Module):
    """Gives what it gets."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x


class Pooled(Sound):
    """A norm over one value a channel, which one image cannot train."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels)
        self.norm = nn.BatchNorm2d(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x * self.norm(x.mean((2, 3), keepdim=True))
        return out


class Square(Sound):
    """Takes the width for the height."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x.new_zeros(x.shape[-1], x.shape[-1])


class Turned(Sound):
    """Swaps rows and columns, which no square image shows."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(2, 3)


class Idle(Sound):
    """Has a norm that its output does not need."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels)
        self.norm = nn.BatchNorm2d(in_channels)


class Shy(Sound):
    """Cannot be exported."""

    def forward(self, x: Tensor) -> Tensor:
        if torch.compiler.is_exporting():
            raise RuntimeError("not with me")
        return x


@pytest.fixture
def yolov5p() -> Variant:
    return Library().load("yolov5p")


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, yolov5p: Variant) -> Callable[..., ExportCheck]:
    """The check of yolov5p with one of the blocks above as a further layer after the one at `position`."""
    module = ModuleType("suite.nn.blocks.brittle")
    module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
    for block in (Sound, Pooled, Square, Turned, Idle, Shy):
        setattr(module, block.__name__, block)
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def run(block: str, *, position: int = 0, export: bool = False, **changes: Any) -> ExportCheck:
        before, after = yolov5p.layers[: position + 1], yolov5p.layers[position + 1 :]
        new = Layer(f"brittle.{block}", before[-1].part, mark=MARK)
        return run_export_check(
            replace(yolov5p, layers=(*before, new, *after), **changes), export=export
        )

    return run


def messages_of(check: ExportCheck) -> list[str]:
    return [str(problem) for problem in check.problems]


def test_a_sound_network_has_no_problem_and_knows_what_to_promise(
    tried: Callable[..., ExportCheck],
) -> None:
    check = tried("Sound", export=True)

    assert messages_of(check) == []
    assert check.measured.strides == (8, 16, 32)


def test_a_layer_that_one_image_cannot_train_is_named(tried: Callable[..., ExportCheck]) -> None:
    message = "v.yaml:9:5: error E307 in yolov5p: backbone.1 (brittle.Pooled) fails in training with a batch of one"

    assert [line[: len(message)] for line in messages_of(tried("Pooled"))] == [message]


def test_a_layer_that_needs_square_images_is_named(tried: Callable[..., ExportCheck]) -> None:
    message = "v.yaml:9:5: error E308 in yolov5p: backbone.1 (brittle.Square) fails at 640 x 384: "

    assert [line[: len(message)] for line in messages_of(tried("Square"))] == [message]


def test_a_map_that_is_turned_on_its_way_to_the_head_is_found(
    tried: Callable[..., ExportCheck], yolov5p: Variant
) -> None:
    check = tried("Turned", position=len(yolov5p.layers) - 2)
    # the inserted line reads n5, which the head goes on reading by its tag; so let the head read the line itself
    assert messages_of(check) == []

    layers = (
        *check.variant.layers[:-1],
        replace(yolov5p.layers[-1], inputs=("n3", "n4", "last"), mark=MARK),
    )
    (message,) = messages_of(run_export_check(replace(check.variant, layers=layers)))

    assert (
        "E308 in yolov5p: head (anchor.AnchorHead) at 640 x 384 gets a map of 12 x 20 at stride 32, not 20 x 12"
        in (message)
    )


def test_parameters_that_no_gradient_reaches_are_counted_and_named(
    tried: Callable[..., ExportCheck],
) -> None:
    (message,) = messages_of(tried("Idle"))

    assert message == (
        "v.yaml:9:5: error E306 in yolov5p: backbone.1 (brittle.Idle) has 16 parameters that no gradient reaches: "
        "norm.weight, norm.bias; remove what the output does not need"
    )


def test_a_frozen_part_need_not_be_reached(tried: Callable[..., ExportCheck]) -> None:
    assert messages_of(tried("Idle", freeze=("backbone",))) == []


def test_a_layer_whose_output_nothing_reads_is_told_so(yolov5p: Variant) -> None:
    unread = Layer("conv.Conv", "neck", 8, options={"kernel": 1}, mark=MARK)
    check = run_export_check(
        replace(yolov5p, layers=(*yolov5p.layers[:-1], unread, yolov5p.layers[-1]))
    )

    (message,) = messages_of(check)
    # 128 x 8 weights, 8 + 8 of the norm
    assert "(conv.Conv) has 1040 parameters that no gradient reaches" in message
    assert "nothing reads the layer: remove it, or read its tag" in message


def test_what_torch_export_refuses_is_found_on_request_only(
    tried: Callable[..., ExportCheck],
) -> None:
    assert messages_of(tried("Shy")) == []
    assert messages_of(tried("Shy", export=True)) == [
        "v.yaml:9:5: error E309 in yolov5p: backbone.1 (brittle.Shy) fails in torch.export: not with me"
    ]


def test_the_layer_that_goes_beyond_the_usual_stride_is_named(yolov5p: Variant) -> None:
    halved = replace(yolov5p.layers[1], stride=4, mark=MARK)
    check = run_export_check(
        replace(yolov5p, layers=(yolov5p.layers[0], halved, *yolov5p.layers[2:]), name="mine")
    )

    warning = judge_strides(check, run_export_check(yolov5p))

    assert str(warning) == (
        "v.yaml:9:5: warning W301 in mine: p2 has stride 8 where yolov5p has 4: backbone.1 (conv.Conv) goes beyond 4; "
        "the stride changes at backbone.0 to 2, backbone.1 to 8"
    )


def test_the_layer_that_falls_short_of_the_usual_stride_is_named(yolov5p: Variant) -> None:
    whole = replace(yolov5p.layers[1], stride=1)
    check = run_export_check(
        replace(yolov5p, layers=(yolov5p.layers[0], whole, *yolov5p.layers[2:]))
    )

    warning = judge_strides(check, run_export_check(yolov5p))

    assert warning is not None
    assert (
        "p2 has stride 2 where yolov5p has 4: backbone.2 (c3.C3) falls short of 4; "
        in warning.message
    )


def test_equal_strides_are_no_warning(yolov5p: Variant) -> None:
    check = run_export_check(yolov5p)

    assert judge_strides(check, check) is None


def test_a_broken_promise_of_strides_says_which_layer_did_it(yolov5p: Variant) -> None:
    halved = replace(yolov5p.layers[1], stride=4)
    expect = Expect(strides=(8, 16, 32), mark=MARK)
    layers = (yolov5p.layers[0], halved, *yolov5p.layers[2:])
    check = run_export_check(replace(yolov5p, layers=layers, expect=expect, name="mine"))

    (problem,) = broken_expectations(check, run_export_check(yolov5p), "write this")

    assert str(problem).startswith(
        "v.yaml:9:5: error E305 in mine: strides are 16, 32, 64, but `expect` says 8, 16, 32"
    )
    assert "backbone.1 (conv.Conv) goes beyond 4" in problem.message
    assert problem.hint == "write this"

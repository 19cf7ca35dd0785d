"""Memory: estimates by hand and by formula, the search for a batch, and estimates against measurements."""

from dataclasses import replace

import click
import pytest
import torch
from torch import Tensor, nn

from suite.cli.cost.memory import read_size
from suite.jobs.footprint import FootprintError, Question, exception_line, measure
from suite.metrics.cost.forms import Forms, build_forms
from suite.metrics.cost.memory import MOST, held_by_step, inference, largest_batch, training
from suite.spec.library import Library
from suite.train.recipe import recipe

MAP = 4 * 8 * 10 * 10  # bytes of 8 channels of 10 x 10 in fp32
MIB = 2**20


class Maps(nn.Module):
    """Modules in a row, which give a tuple as a detector does."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.row = nn.Sequential(*modules)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.row(x),)


@pytest.fixture(scope="module")
def yolov5n() -> Forms:
    return build_forms(Library().load("yolov5n"))


def held(*modules: nn.Module) -> int:
    return held_by_step(Maps(*modules).to("meta"), torch.empty(1, 8, 10, 10, device="meta"))


def conv() -> nn.Conv2d:
    return nn.Conv2d(8, 8, 1, bias=False)


def test_a_step_keeps_every_input_of_a_convolution_till_its_backward_pass():
    gradient_of_weights = 4 * 8 * 8

    # the images, the first and the second map; then their two gradients and that of the second weights
    assert held(conv(), conv()) == 3 * MAP + 2 * MAP + gradient_of_weights


def test_an_activation_in_place_spares_the_map_before_it():
    rectified = held(conv(), nn.ReLU(inplace=True), conv(), nn.ReLU(inplace=True), conv())
    smooth = held(conv(), nn.SiLU(inplace=True), conv(), nn.SiLU(inplace=True), conv())

    # images, two maps, the result and its gradient; worst at the last rectifier, which reads a gradient and writes one
    assert rectified == 5 * MAP + 2 * MAP
    # two maps more, as training needs what goes into a SiLU; worst at the last convolution
    assert smooth == 7 * MAP + MAP + 4 * 8 * 8


def test_training_keeps_gradients_moments_and_the_average(yolov5n):
    parameters = 4 * 1_872_157
    sgd, adam = (training(yolov5n, 64, 2, optimizer=kind) for kind in ("sgd", "adamw"))

    assert sgd.state == 2 * parameters + sgd.weights
    assert adam.state - sgd.state == parameters
    assert adam.maps == sgd.maps


def test_frozen_parts_need_no_gradients():
    frozen = build_forms(replace(Library().load("yolov5n"), freeze=("backbone", "neck")))
    head = 4 * sum(p.numel() for p in frozen.trained.head.parameters())

    found = training(frozen, 64, 2)
    assert found.state == 2 * head + found.weights
    assert found.maps < training(build_forms(Library().load("yolov5n")), 64, 2).maps / 2


def test_a_pass_needs_weights_and_maps_that_grow_with_the_batch(yolov5n):
    one, two, four = (inference(yolov5n, 320, batch) for batch in (1, 2, 4))

    assert one.weights == two.weights
    assert four.maps - two.maps == 2 * (two.maps - one.maps)
    assert one.maps == pytest.approx(two.maps / 2, rel=1e-3)


def test_half_precision_needs_half_of_everything_in_a_pass(yolov5n):
    full, half = (inference(yolov5n, 320, 2, precision) for precision in ("fp32", "bf16"))

    assert half.maps == pytest.approx(full.maps / 2, rel=0.02)
    assert half.weights == pytest.approx(full.weights / 2, rel=0.02)


def test_mixed_precision_keeps_the_state_and_a_copy_of_the_weights(yolov5n):
    full, mixed = (training(yolov5n, 64, 2, precision) for precision in ("fp32", "bf16"))

    assert mixed.weights == full.weights
    assert mixed.state - full.state == pytest.approx(full.weights / 2, rel=0.01)
    assert mixed.maps == pytest.approx(full.maps / 2, rel=0.02)


def test_estimating_leaves_the_forms_as_they_were(yolov5n):
    training(yolov5n, 64, 2, "bf16")

    assert not yolov5n.trained.training
    assert all(p.grad is None and p.dtype is torch.float32 for p in yolov5n.trained.parameters())


@pytest.mark.parametrize("budget", [0, 99, 100, 101, 1234, 99_999, 10**9])
def test_the_largest_batch_that_fits_is_found(budget):
    def total(batch: int) -> int:
        return 60 + 40 * batch + (batch > 7) * 25  # a step, as a worst moment that moves makes

    fitting = [batch for batch in range(1, MOST + 1) if total(batch) <= budget]
    assert largest_batch(total, budget) == max(fitting, default=0)


def test_a_straight_line_takes_few_trials():
    tried = []

    def total(batch: int) -> int:
        tried.append(batch)
        return 1000 + 37 * batch

    assert largest_batch(total, 500_000) == (500_000 - 1000) // 37
    assert len(tried) <= 6


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GiB", 8 * 2**30),
        ("8gib", 8 * 2**30),
        ("500MB", 500 * 10**6),
        ("1.5G", 1_500_000_000),
        ("7", 7),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert read_size(text) == size


def test_what_is_no_size_is_refused():
    with pytest.raises(click.BadParameter, match="8GiB"):
        read_size("much")


def test_a_pass_on_the_processor_needs_what_was_estimated(yolov5n):
    question = Question(yolov5n.variant, "inference", recipe("tiny"), image_size=640, batch=4)

    found = measure(question)
    assert found.device is None
    assert 0.95 < found.host / inference(yolov5n, 640, 4).maps < 1.25


@pytest.mark.slow
def test_a_training_step_on_the_processor_needs_what_was_estimated(yolov5n):
    question = Question(yolov5n.variant, "training", recipe("scratch-low"), image_size=320, batch=8)

    found, estimate = measure(question), training(yolov5n, 320, 8)
    assert 0.9 < found.host / (estimate.maps + estimate.state) < 1.5


@pytest.mark.slow
def test_a_measurement_that_fails_says_why(yolov5n):
    question = Question(yolov5n.variant, "inference", recipe("tiny"), device="nothing")

    with pytest.raises(FootprintError, match=r"yolov5n: inference of a batch of 1: .*nothing"):
        measure(question)


def test_the_exception_is_told_and_not_the_advice_that_cuda_gives_after_it():
    log = "Traceback:\n  File x\ntorch.AcceleratorError: CUDA error: misaligned address\nCompile it"

    assert exception_line(log) == "torch.AcceleratorError: CUDA error: misaligned address"
    assert exception_line("Killed\n") == "Killed"

"""What fits: batches that do not, and gradient checkpointing, which lets larger ones."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.train.memory_limit import (
    TrainingOutOfMemory,
    batch_limit,
    first_that_fits,
    fitting,
)
from suite.train.recipe import recipe
from tests.narrowing import present
from tests.train.trainings import train, training_of

TINY = recipe("tiny")


@pytest.fixture(scope="module")
def yolov5p() -> Variant:
    return Library().load("yolov5p")


def test_a_batch_beyond_the_memory_is_a_failure_that_says_what_would_fit(mini: Variant) -> None:
    """Ten million images of 320 pixels, which take no memory until they become floating point numbers."""
    images = torch.zeros(1, 1, 1, 1, dtype=torch.uint8).expand(10_000_000, 3, 320, 320)
    batch = Batch(images, torch.tensor([[0, 0, 0.5, 0.5, 0.5, 0.5]]))

    with pytest.raises(
        TrainingOutOfMemory, match=r"step 1: out of memory with 10000000 images of 320 pixels"
    ) as caught:
        train(build(mini, 2, seed=0), mini, [batch], TINY, steps=1)

    assert 0 < caught.value.limit.images < 10_000_000
    assert f"a batch of {caught.value.limit.images} would fit (the forward pass keeps" in str(
        caught.value
    )


def test_what_would_fit_is_asked_of_the_largest_images_that_multi_scale_shows(
    mini: Variant,
) -> None:
    """At 320 + 90 % pixels an image takes 608² / 320² as much as at 320."""
    images = torch.zeros(1, 3, 320, 320, dtype=torch.uint8).expand(2, 3, 320, 320)
    batch = Batch(images, torch.tensor([[0, 0, 0.5, 0.5, 0.5, 0.5]]))
    changing = replace(TINY, augment=replace(TINY.augment, multi_scale=0.9))

    kept = []
    for made in (TINY, changing):
        how = batch_limit(training_of(mini, made), build(mini, 2, seed=0), batch).how
        kept.append(float(how.split("needs, ")[1].split(" MB")[0]))

    assert kept[1] / kept[0] == pytest.approx((608 / 320) ** 2, rel=0.05)


def test_what_fits_is_the_memory_that_is_left_in_whole_images() -> None:
    assert [fitting(1000, 100, 300), fitting(1000, 100, 301), fitting(90, 100, 1)] == [3, 2, 0]


@pytest.mark.parametrize(
    ("promised", "holds", "expected"), [(100, 100, 100), (100, 93, 90), (3, 1, 1), (3, 0, 0)]
)
def test_what_fits_is_tried_from_what_was_promised_downwards(
    promised: int, holds: int, expected: int
) -> None:
    """100, 95, 90 of which 93 have room; 3, 2, 1."""
    assert first_that_fits(promised, lambda count: count <= holds) == expected


def one_pass(model: nn.Module, images: torch.Tensor) -> tuple[list[torch.Tensor], int]:
    """The gradients of a sum over all outputs, and the bytes that the forward pass keeps."""
    kept: dict[int, int] = {}

    def note(x: torch.Tensor) -> torch.Tensor:
        kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    torch.manual_seed(0)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        loss = sum(raw.square().mean() for raw in model(images))
    memory = sum(kept.values())
    loss.backward()
    return [present(parameter.grad).clone() for parameter in model.parameters()], memory


def test_checkpointing_changes_no_gradient_and_no_statistic_and_keeps_less(
    yolov5p: Variant,
) -> None:
    images = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    plain, frugal = (build(yolov5p, 2, seed=0).double() for _ in range(2))
    frugal.checkpointing = True

    expected, much = one_pass(plain, images)
    found, little = one_pass(frugal, images)

    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-15)
    assert little < 0.6 * much
    for (name, mine), theirs in zip(frugal.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0, msg=name)


def test_a_recipe_switches_checkpointing_on_while_training_only(
    mini: Variant, batches: list[Batch]
) -> None:
    model = build(mini, 2, seed=0)
    seen = []
    model.register_forward_pre_hook(lambda module, _: seen.append(module.checkpointing))

    trained = train(model, mini, batches, replace(TINY, checkpointing=True), steps=2)

    assert seen == [True, True]
    assert not trained.ema_model.checkpointing

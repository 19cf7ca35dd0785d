"""The same bits twice, and what a recipe may switch on beside the plain loop."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.train.host import reproducible
from suite.train.recipe import recipe
from tests.narrowing import opened
from tests.train.trainings import train

TINY = recipe("tiny")


@pytest.fixture
def two_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("two_threads")
def test_gradients_that_meet_in_one_cell_are_added_in_one_order() -> None:
    """From 32,768 numbers on, two threads would add them in whatever order they come."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(4000, 85, generator=generator)
    place = torch.randint(0, 7, (4000,), generator=generator)

    with reproducible(torch.device("cpu"), asked=False):
        sums = [torch.zeros(7, 85).index_put_((place,), rows, accumulate=True) for _ in range(5)]

    assert all(torch.equal(sums[0], other) for other in sums[1:])


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
def test_two_threads_train_yolov5n_to_the_same_bits() -> None:
    """80 classes and 400 boxes a batch: enough positives for several threads to share them."""
    variant, generator = Library().load("yolov5n"), torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4, 3, 128, 128), dtype=torch.uint8, generator=generator)
    label = torch.randint(0, 80, (400, 1), generator=generator)
    places = 0.2 + 0.6 * torch.rand(400, 4, generator=generator)
    batch = Batch(
        images, torch.cat((torch.arange(4).repeat_interleave(100)[:, None], label, places), 1)
    )

    first, second = (
        train(
            build(variant, 80, seed=0), variant, [batch] * 3, TINY, steps=3
        ).ema_model.state_dict()
        for _ in range(2)
    )

    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_accelerator_is_left_as_it_is_unless_it_is_asked() -> None:
    with reproducible(torch.device("cuda"), asked=False):
        assert not torch.are_deterministic_algorithms_enabled()


def test_torch_is_as_it_was_afterwards() -> None:
    before = (
        torch.are_deterministic_algorithms_enabled(),
        opened(torch.utils.deterministic).fill_uninitialized_memory,
    )
    with reproducible(torch.device("cpu"), asked=True):
        assert torch.are_deterministic_algorithms_enabled()

    assert before == (
        torch.are_deterministic_algorithms_enabled(),
        opened(torch.utils.deterministic).fill_uninitialized_memory,
    )


def test_what_is_compiled_is_the_network_of_the_recipe(
    mini: Variant, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[nn.Module] = []

    def compiled(model: nn.Module) -> nn.Module:
        given.append(model)
        return model

    monkeypatch.setattr(torch, "compile", compiled)
    model = build(mini, 2, seed=0)

    train(model, mini, batches, replace(TINY, compile=True), steps=1)

    assert given == [model]

"""What every variant must keep when real numbers run through it: in double precision, filled as the golden files are.

By default run the smallest variants that together have every block there is; the other networks of up to nine million
parameters are marked slow, the larger ones exhaustive.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from suite.nn.deploy import deploy
from suite.nn.detector import Detector, build
from tests.contracts.globals import changed, snapshot
from tests.contracts.variants import (
    COMMON,
    FEW_CLASSES,
    LIBRARY,
    SMALLEST,
    covering,
    filled,
    final,
    networks,
    parts_of,
    relative_error,
    tiers,
    up_to,
    warm_up,
)

EXACT = 1e-9  # of the largest magnitude, in float64
NO_GRADIENT = 1e-13  # of the largest: what rounding leaves of a zero
DEAD: dict[
    str, dict[str, str]
] = {}  # parameters without gradient, and why they may be: by variant, then by name


@pytest.fixture(scope="module")
def warm() -> None:
    warm_up()


@dataclass(frozen=True)
class Real:
    """A filled variant that has taken one step's gradients, and what it then says of two images."""

    model: Detector
    start: dict[str, Tensor]  # its state before it was filled
    images: Tensor
    levels: tuple[Tensor, ...]  # raw, of training
    predictions: Tensor


@pytest.fixture(
    scope="module",
    params=tiers(covering(COMMON), networks(COMMON), networks()),
)
def real(warm: None, request: pytest.FixtureRequest) -> Iterator[Real]:
    model = build(final(request.param), FEW_CLASSES, seed=0)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    filled(model).double().train()
    side = up_to(SMALLEST, max(model.strides))
    images = torch.rand(
        2, 3, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    levels = model(images)
    sum(level.square().mean() for level in levels).backward()
    with torch.no_grad():
        predictions = model.eval().predict(images)
    yield Real(model, start, images, tuple(level.detach() for level in levels), predictions)
    model.to("meta")


def same_state(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    pairs = zip(one.items(), other.items(), strict=True)
    return all(here == there and torch.equal(x, y) for (here, x), (there, y) in pairs)


def test_every_block_of_a_variant_of_common_size_runs_with_real_numbers_by_default() -> None:
    common = [LIBRARY.load(name) for name in LIBRARY.names()]
    blocks = set().union(*(parts_of(v) for v in common if (v.expect.params or 0) <= COMMON))

    assert set().union(*(parts_of(LIBRARY.load(name)) for name in covering(COMMON))) == blocks


def test_a_variant_trains_on_real_numbers(real: Real) -> None:
    sides = [
        (2, real.images.shape[2] // stride, real.images.shape[3] // stride)
        for stride in real.model.strides
    ]

    assert [(len(level), *level.shape[2:4]) for level in real.levels] == sides
    assert all(level.isfinite().all() for level in real.levels)


def test_every_parameter_of_a_variant_gets_a_gradient(real: Real) -> None:
    """Where training gives none it is a shift that the next batch norm takes away: in evaluation it has one."""
    gradients = {name: p.grad for name, p in real.model.named_parameters()}
    assert [
        name for name, grad in gradients.items() if grad is None or not grad.isfinite().all()
    ] == []
    largest = max(grad.abs().max() for grad in gradients.values() if grad is not None)
    still = {
        n
        for n, grad in gradients.items()
        if grad is not None and grad.abs().max() <= NO_GRADIENT * largest
    }
    still -= DEAD.get(real.model.name, {}).keys()
    if still:
        real.model.zero_grad()
        sum(level.square().mean() for level in real.model.eval()(real.images)).backward()

    moved = {
        name
        for name, p in real.model.named_parameters()
        if p.grad is not None and p.grad.abs().max() > 0
    }
    assert still <= moved


def test_the_evaluation_of_an_image_does_not_depend_on_its_batch(real: Real) -> None:
    with torch.no_grad():
        alone = real.model.eval().predict(real.images[:1])

    assert relative_error(alone, real.predictions[:1]) < EXACT


def test_a_deployed_variant_gives_the_trained_ones_predictions(real: Real) -> None:
    with torch.no_grad():
        deployed = deploy(real.model).predict(real.images)

    assert relative_error(deployed, real.predictions) < EXACT


def test_a_variant_starts_equal_from_one_seed_and_survives_safetensors(real: Real) -> None:
    variant = final(real.model.name)
    before = snapshot()
    again = build(variant, FEW_CLASSES, seed=0)
    differing = changed(before, snapshot())
    equal = same_state(again.state_dict(), real.start)

    again.double().load_state_dict(load(save(real.model.state_dict())))

    assert differing == []
    assert equal
    assert same_state(again.state_dict(), real.model.state_dict())

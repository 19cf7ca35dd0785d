"""What every variant must keep. Being in the variants folder is being tested.

On the meta device all of them are tried, at every size. With real numbers, in double precision and filled by the rule
of the golden files, run the smallest variants that together have every block there is; the other networks of up to
nine million parameters are marked slow, and what is larger has the same blocks.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from math import lcm

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from suite.match import solved
from suite.metrics.trial import Trial, try_built
from suite.nn.deploy import deploy
from suite.nn.detector import Detector, build
from suite.nn.shapes import Shapes
from suite.spec.library import Library
from suite.spec.promise import broken_promises
from suite.spec.variant import Variant
from tests.contracts.exports import exported
from tests.contracts.globals import changed, snapshot
from tests.nn.reference_fill import filled_value

LIBRARY, AGAIN = Library(), Library()
CLASSES, FEW_CLASSES = 80, 3
SIZES = ((640, 640), (320, 320), (640, 384), (96, 96))  # rows, columns; up to the stride's next multiple
SMALLEST = 96
RUN_UP_TO = 9_000_000  # parameters of a variant that runs with real numbers
EXACT = 1e-9  # of the largest magnitude, in float64
NO_GRADIENT = 1e-13  # of the largest: what rounding leaves of a zero
EXPORT_TOLERANCE = 1e-4  # of the largest magnitude, in float32
DEAD: dict[str, dict[str, str]] = {}  # parameters without gradient, and why they may be: by variant, then by name


@cache
def final(name: str) -> Variant:
    return solved(LIBRARY.load(name), LIBRARY)


def parts_of(variant: Variant) -> set[str]:
    """The addresses of its blocks, operators and head."""
    return {layer.block for layer in variant.layers} | {edit.operator for edit in variant.conv_edits}


def covering(limit: int, *, heads_only: bool = False) -> set[str]:
    """The smallest variants of at most `limit` parameters that together have every block that such variants have."""
    sizes = {name: LIBRARY.load(name).expect.params or 0 for name in LIBRARY.names()}
    seen: set[str] = set()
    chosen = set()
    for name in sorted((name for name in sizes if sizes[name] <= limit), key=lambda name: (sizes[name], name)):
        variant = LIBRARY.load(name)
        parts = {layer.block for layer in variant.part("head")} if heads_only else parts_of(variant)
        if not parts <= seen:
            chosen.add(name)
            seen |= parts
    return chosen


def networks() -> list[str]:
    """The variants that run with real numbers, one of each network: a loss or another suppression makes none."""
    found: dict[str, str] = {}
    for name in LIBRARY.names():
        variant = LIBRARY.load(name)
        if (variant.expect.params or 0) <= RUN_UP_TO:
            network = (variant.layers, variant.conv_edits, variant.activation, variant.norm, variant.match)
            found.setdefault(repr(network), name)
    return [*found.values()]


def others_slow(names: set[str], among: Collection[str]) -> list[object]:
    return [name if name in names else pytest.param(name, marks=pytest.mark.slow) for name in sorted({*names, *among})]


@dataclass(frozen=True)
class Built:
    """A variant on the meta device, tried as `check --build` does, and what building and trying it changed."""

    variant: Variant
    trial: Trial
    model: Detector
    changed: list[str]


@pytest.fixture(scope="module")
def warm() -> None:
    """What torch imports when a network is first built and tried is not the network's doing."""
    variant = LIBRARY.load("yolov5p")
    try_built(variant, build(variant, CLASSES, device="meta"))
    build(variant, FEW_CLASSES, seed=0)


@pytest.fixture(scope="module", params=LIBRARY.names())
def built(warm: None, request: pytest.FixtureRequest) -> Built:
    variant = final(request.param)
    before = snapshot()
    model = build(variant, CLASSES, device="meta")
    trial = try_built(variant, model)
    return Built(variant, trial, model, changed(before, snapshot()))


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
    params=others_slow(covering(RUN_UP_TO), networks()),
)
def real(warm: None, request: pytest.FixtureRequest) -> Iterator[Real]:
    model = build(final(request.param), FEW_CLASSES, seed=0)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    filled(model).double().train()
    side = up_to(SMALLEST, max(model.strides))
    images = torch.rand(2, 3, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    levels = model(images)
    sum(level.square().mean() for level in levels).backward()
    with torch.no_grad():
        predictions = model.eval().predict(images)
    yield Real(model, start, images, tuple(level.detach() for level in levels), predictions)
    model.to("meta")


def filled(model: Detector) -> Detector:
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point() and not name.endswith("anchors"):
                tensor.copy_(torch.from_numpy(filled_value(name, tuple(tensor.shape))))
    return model


def up_to(size: int, stride: int) -> int:
    return -(-size // stride) * stride


def relative_error(actual: Tensor, expected: Tensor) -> float:
    return ((actual - expected).abs().max() / expected.abs().max()).item()


def same_state(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    pairs = zip(one.items(), other.items(), strict=True)
    return all(here == there and torch.equal(x, y) for (here, x), (there, y) in pairs)


def test_no_variant_file_has_a_problem() -> None:
    assert LIBRARY.problems() == ()


def test_every_block_of_a_variant_of_common_size_runs_with_real_numbers_by_default() -> None:
    common = [LIBRARY.load(name) for name in LIBRARY.names()]
    blocks = set().union(*(parts_of(v) for v in common if (v.expect.params or 0) <= RUN_UP_TO))

    assert set().union(*(parts_of(LIBRARY.load(name)) for name in covering(RUN_UP_TO))) == blocks


def test_a_variant_states_what_it_promises(built: Built) -> None:
    expect = built.variant.expect

    assert None not in {expect.strides, expect.params, expect.gmacs}


def test_a_variant_is_what_it_promises(built: Built) -> None:
    assert broken_promises(built.variant.expect, built.trial.measured) == ()


def test_a_variant_trains_on_one_image_that_is_not_square_and_every_parameter_is_reached(built: Built) -> None:
    assert [str(problem) for problem in built.trial.problems] == []


def test_a_variant_leaves_no_norm_unmerged_when_deployed(built: Built) -> None:
    assert [str(warning) for warning in built.trial.warnings] == []


@pytest.mark.parametrize(
    "batches", [(2, 1, 2, 1), pytest.param((1, 2, 1, 2), marks=pytest.mark.slow)], ids=["once", "and the other batch"]
)
def test_a_variant_gives_maps_of_its_strides_at_every_size(built: Built, batches: tuple[int, ...]) -> None:
    stride = lcm(*built.model.strides)
    sizes = [(batch, up_to(h, stride), up_to(w, stride)) for batch, (h, w) in zip(batches, SIZES, strict=True)]

    with torch.no_grad(), Shapes():
        passes = [built.model(torch.empty(batch, 3, h, w, device="meta")) for batch, h, w in sizes]

    for (batch, h, w), levels in zip(sizes, passes, strict=True):
        expected = [(batch, h // stride, w // stride) for stride in built.model.strides]
        assert [(len(level), *level.shape[2:4]) for level in levels] == expected


def test_a_variant_with_other_strides_than_its_base_says_so_in_its_title(built: Built) -> None:
    strides, base = built.model.strides, built.variant.base
    usual = LIBRARY.load(base).expect.strides if base else strides

    assert strides == usual or ", ".join(map(str, strides)) in built.variant.title


def test_a_variant_read_twice_has_one_fingerprint(built: Built) -> None:
    name = built.variant.name

    assert AGAIN.load(name).fingerprint == LIBRARY.load(name).fingerprint


def test_building_a_variant_changes_nothing_that_others_share(built: Built) -> None:
    assert built.changed == []


def test_a_variant_trains_on_real_numbers(real: Real) -> None:
    sides = [(2, real.images.shape[2] // stride, real.images.shape[3] // stride) for stride in real.model.strides]

    assert [(len(level), *level.shape[2:4]) for level in real.levels] == sides
    assert all(level.isfinite().all() for level in real.levels)


def test_every_parameter_of_a_variant_gets_a_gradient(real: Real) -> None:
    """Where training gives none it is a shift that the next batch norm takes away: in evaluation it has one."""
    gradients = {name: p.grad for name, p in real.model.named_parameters()}
    assert [name for name, grad in gradients.items() if grad is None or not grad.isfinite().all()] == []
    largest = max(grad.abs().max() for grad in gradients.values() if grad is not None)
    still = {n for n, grad in gradients.items() if grad is not None and grad.abs().max() <= NO_GRADIENT * largest}
    still -= DEAD.get(real.model.name, {}).keys()
    if still:
        real.model.zero_grad()
        sum(level.square().mean() for level in real.model.eval()(real.images)).backward()

    moved = {name for name, p in real.model.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
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


@pytest.mark.parametrize(
    "name",
    others_slow(covering(RUN_UP_TO, heads_only=True), covering(RUN_UP_TO)),
)
@pytest.mark.parametrize("start", ["shaken", "filled"])
def test_a_variant_is_exported_and_runs_the_same_elsewhere(name: str, start: str) -> None:
    """Filled shows more of what goes wrong, but drives some networks to where they magnify single precision."""
    model = build(final(name), FEW_CLASSES, seed=0)
    model = deploy(filled(model) if start == "filled" else shaken(model))
    side = up_to(SMALLEST, max(model.strides))
    images = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))

    ours, theirs = exported(Predict(model), images)

    tolerance = EXPORT_TOLERANCE
    if start == "filled":
        with torch.no_grad():
            tolerance = max(tolerance, 10 * relative_error(ours[0].double(), model.double().predict(images.double())))
    assert [relative_error(there, here) < tolerance for here, there in zip(ours, theirs, strict=True)] == [True]


def shaken(model: Detector) -> Detector:
    """A network as it starts, but that its zeros and ones, which hide what goes wrong, have become other numbers."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in model.parameters():
            if tensor.unique().numel() == 1:
                tensor.add_(torch.rand(tensor.shape, generator=generator) * 0.4 - 0.2)
    return model


class Predict(nn.Module):
    """A detector as it is shipped: an image in, boxes out."""

    def __init__(self, model: Detector) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model.predict(images)

"""What every variant must keep. Being in the variants folder is being tested."""

import copy
from functools import cache

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from suite.match import solved
from suite.nn.deploy import deploy
from suite.nn.detector import Detector, build
from suite.spec.library import Library
from suite.spec.variant import Variant

LIBRARY = Library()
CLASSES, SIZE = 80, 640  # what `expect` refers to
SMALL = 600_000  # parameters up to which a variant is really run, with gradients
MEDIUM = 9_000_000  # parameters up to which it is really run


@cache
def final(name: str) -> Variant:
    return solved(LIBRARY.load(name), LIBRARY)


@cache
def on_meta(name: str) -> Detector:
    return build(final(name), CLASSES, device="meta")


@cache
def _built(name: str) -> Detector:
    return build(final(name), 3, seed=0)


def real(name: str) -> Detector:
    """The variant as it starts, of its own: what one test does to it, no other sees."""
    return copy.deepcopy(_built(name))


def parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def names_up_to(limit: int) -> list[str]:
    return [name for name in LIBRARY.names() if parameters(on_meta(name)) <= limit]


def images(batch: int = 1, height: int = 128, width: int = 192) -> Tensor:
    torch.manual_seed(0)
    return torch.rand(batch, 3, height, width)


every_variant = pytest.mark.parametrize("name", LIBRARY.names())
every_small_variant = pytest.mark.parametrize("name", names_up_to(SMALL))
every_medium_variant = pytest.mark.parametrize("name", names_up_to(MEDIUM))


def test_no_variant_file_has_a_problem() -> None:
    assert LIBRARY.problems() == ()


@every_variant
def test_a_variant_states_what_it_promises(name: str) -> None:
    expect = LIBRARY.load(name).expect

    assert None not in {expect.strides, expect.params, expect.gmacs}


@every_variant
def test_a_variant_has_the_parameters_it_promises(name: str) -> None:
    assert parameters(on_meta(name)) == LIBRARY.load(name).expect.params


@every_variant
def test_a_variant_has_the_strides_it_promises(name: str) -> None:
    assert on_meta(name).strides == LIBRARY.load(name).expect.strides


@every_variant
def test_a_variant_costs_what_it_promises(name: str) -> None:
    promised = LIBRARY.load(name).expect.gmacs
    assert promised is not None

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        on_meta(name).eval()(torch.empty(1, 3, SIZE, SIZE, device="meta"))

    digits = len(str(promised).partition(".")[2])
    assert round(counter.get_total_flops() / 2e9, digits) == promised


@every_variant
def test_a_variant_with_other_strides_than_its_base_says_so_in_its_title(name: str) -> None:
    variant = LIBRARY.load(name)
    strides = on_meta(name).strides
    usual = on_meta(variant.base).strides if variant.base else strides

    assert strides == usual or ", ".join(map(str, strides)) in variant.title


@every_medium_variant
def test_a_variant_trains_on_one_image_that_is_not_square(name: str) -> None:
    model = real(name).train()

    with torch.no_grad():
        raw = model(images(1, 128, 192))

    shapes = [(1, model.head.per_level, 128 // stride, 192 // stride, 8) for stride in model.strides]
    assert [tuple(level.shape) for level in raw] == shapes
    assert all(level.isfinite().all() for level in raw)


@every_small_variant
def test_every_parameter_of_a_variant_gets_a_gradient(name: str) -> None:
    model = real(name).train()

    sum(level.square().mean() for level in model(images(2, 128, 128))).backward()

    assert [path for path, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


@every_small_variant
def test_a_deployed_variant_gives_the_trained_ones_predictions(name: str) -> None:
    model = real(name).double().train()
    with torch.no_grad():
        model(images(2, 128, 128).double())  # so that the statistics are not those of an unused norm
        x = images().double()

        expected, actual = model.eval().predict(x), deploy(model).predict(x)

    assert ((actual - expected).abs().max() / expected.abs().max()).item() < 1e-9


@every_small_variant
def test_the_evaluation_of_an_image_does_not_depend_on_its_batch(name: str) -> None:
    model = real(name).double().eval()
    x = images(3, 64, 64).double()

    with torch.no_grad():
        alone, together = model.predict(x[:1]), model.predict(x)[:1]

    assert ((alone - together).abs().max() / together.abs().max()).item() < 1e-9


def test_building_other_variants_changes_nothing_about_one() -> None:
    def values() -> list[Tensor]:
        return list(build(LIBRARY.load("yolov5p"), 3, seed=0).state_dict().values())

    before = values()
    for name in ("yolov5p_convnext", "yolov5p_odconv_down_k4", "yolov5p_repvit"):
        build(LIBRARY.load(name), 3, seed=1)(images())

    assert all(torch.equal(one, other) for one, other in zip(values(), before, strict=True))

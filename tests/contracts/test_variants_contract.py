"""What every variant must keep. Being in the variants folder is being tested.

Here all of them are tried on the meta device, at every size; with real numbers in `test_variants_real`, in another
runtime in `test_variants_export`.
"""

from dataclasses import dataclass
from math import lcm

import pytest
import torch

from suite.metrics.export_check import ExportCheck, check_built
from suite.nn.detector import Detector, build
from suite.nn.shapes import Shapes
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.spec.views.expectation import broken_promises
from tests.contracts.globals import changed, snapshot
from tests.contracts.variants import CLASSES, LIBRARY, final, up_to, warm_up

AGAIN = Library()
# rows, columns; up to the stride's next multiple
SIZES = ((640, 640), (320, 320), (640, 384), (96, 96))


@dataclass(frozen=True)
class Built:
    """A variant on the meta device, tried as `check --build` does, and what building and trying it changed."""

    variant: Variant
    trial: ExportCheck
    model: Detector
    changed: list[str]


@pytest.fixture(scope="module")
def warm() -> None:
    warm_up()


@pytest.fixture(scope="module", params=LIBRARY.names())
def built(warm: None, request: pytest.FixtureRequest) -> Built:
    variant = final(request.param)
    before = snapshot()
    model = build(variant, CLASSES, device="meta")
    trial = check_built(variant, model)
    return Built(variant, trial, model, changed(before, snapshot()))


def test_no_variant_file_has_a_problem() -> None:
    assert LIBRARY.problems() == ()


def test_a_variant_states_what_it_promises(built: Built) -> None:
    expect = built.variant.expect

    assert None not in {expect.strides, expect.params, expect.gmacs}


def test_a_variant_is_what_it_promises(built: Built) -> None:
    assert broken_promises(built.variant.expect, built.trial.measured) == ()


def test_a_variant_trains_on_one_image_that_is_not_square_and_every_parameter_is_reached(
    built: Built,
) -> None:
    assert [str(problem) for problem in built.trial.problems] == []


def test_a_variant_leaves_no_norm_unmerged_when_deployed(built: Built) -> None:
    assert [str(warning) for warning in built.trial.warnings] == []


@pytest.mark.parametrize(
    "batches",
    [(2, 1, 2, 1), pytest.param((1, 2, 1, 2), marks=pytest.mark.slow)],
    ids=["once", "and the other batch"],
)
def test_a_variant_gives_maps_of_its_strides_at_every_size(
    built: Built, batches: tuple[int, ...]
) -> None:
    stride = lcm(*built.model.strides)
    sizes = [
        (batch, up_to(h, stride), up_to(w, stride))
        for batch, (h, w) in zip(batches, SIZES, strict=True)
    ]

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

"""What the contract of the variants is tried on, and how often."""

from functools import cache
from math import inf

import pytest
import torch
from torch import Tensor

from suite.match import solved
from suite.metrics.export_check import check_built
from suite.nn.detector import Detector, build
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from tests.nn.reference_fill import filled_value

LIBRARY = Library()
CLASSES, FEW_CLASSES = 80, 3
SMALLEST = 96  # pixels; up to the stride's next multiple
COMMON = 9_000_000  # parameters up to which every network runs with real numbers where a change is checked


@cache
def final(name: str) -> Variant:
    return solved(LIBRARY.load(name), LIBRARY)


def parts_of(variant: Variant) -> set[str]:
    """The addresses of its blocks, operators and head."""
    return {layer.block for layer in variant.layers} | {
        edit.operator for edit in variant.conv_edits
    }


def covering(limit: int, *, heads_only: bool = False) -> set[str]:
    """The smallest variants of at most `limit` parameters that together have every block that such variants have."""
    sizes = {name: LIBRARY.load(name).expect.params or 0 for name in LIBRARY.names()}
    seen: set[str] = set()
    chosen = set()
    for name in sorted(
        (name for name in sizes if sizes[name] <= limit), key=lambda name: (sizes[name], name)
    ):
        variant = LIBRARY.load(name)
        parts = {layer.block for layer in variant.part("head")} if heads_only else parts_of(variant)
        if not parts <= seen:
            chosen.add(name)
            seen |= parts
    return chosen


def networks(limit: float = inf) -> set[str]:
    """The variants of at most `limit` parameters, one of each network: a loss or another suppression makes none."""
    found: dict[str, str] = {}
    for name in LIBRARY.names():
        variant = LIBRARY.load(name)
        if (variant.expect.params or 0) <= limit:
            network = (
                variant.layers,
                variant.conv_edits,
                variant.activation,
                variant.norm,
                variant.match,
            )
            found.setdefault(repr(network), name)
    return {*found.values()}


def tiers(default: set[str], slow: set[str], exhaustive: set[str]) -> list[object]:
    """All of them; those that are not in an earlier group carry the mark of theirs."""
    marks = {
        **dict.fromkeys(exhaustive, (pytest.mark.exhaustive,)),
        **dict.fromkeys(slow, (pytest.mark.slow,)),
        **dict.fromkeys(default, ()),
    }
    return [pytest.param(name, marks=marks[name]) for name in sorted(marks)]


def warm_up() -> None:
    """What torch imports when a network is first built and tried is not the next network's doing."""
    variant = LIBRARY.load("yolov5p")
    check_built(variant, build(variant, CLASSES, device="meta"))
    build(variant, FEW_CLASSES, seed=0)


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

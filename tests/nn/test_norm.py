import importlib
import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from suite.nn.conv import NORMS, ConvFactory
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.nn.layers import LayerNorm2d
from suite.spec.blocks.signatures import REQUIRED, BlockSignature, default_signatures
from suite.spec.library import Library
from suite.spec.records import vocabulary as words
from suite.spec.records.variant import Norm, Variant

TYPES = {
    "batch": nn.BatchNorm2d,
    "group": nn.GroupNorm,
    "layer": LayerNorm2d,
    "instance": nn.InstanceNorm2d,
}
OTHERS = ("group", "layer", "instance")


def _asks_for_parts(signature: BlockSignature) -> bool:
    complete = signature.takes_out and REQUIRED not in signature.options.values()
    return complete and "make" in inspect.signature(_cls(signature)).parameters


def _cls(signature: BlockSignature) -> Callable[..., nn.Module]:
    module, name = signature.address.split(".")
    found: Callable[..., nn.Module] = getattr(
        importlib.import_module(f"suite.nn.blocks.{module}"), name
    )
    return found


SIGNATURES = default_signatures()
BLOCKS = [
    s
    for s in map(SIGNATURES.get, SIGNATURES.addresses())
    if s.kind != "head" and _asks_for_parts(s)
]


@pytest.fixture(scope="module")
def yolov5p() -> Variant:
    return Library().load("yolov5p")


def test_the_language_offers_the_norms_that_can_be_built() -> None:
    assert set(words.NORMS) == set(NORMS)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_norm_takes_the_place_of_every_other(yolov5p: Variant, kind: str) -> None:
    plain = Counter(type(module) for module in build(yolov5p, device="meta").modules())
    changed = Counter(
        type(module) for module in build(replace(yolov5p, norm=Norm(kind)), device="meta").modules()
    )

    assert changed[nn.BatchNorm2d] == 0
    assert changed[TYPES[kind]] == plain[nn.BatchNorm2d] > 50


@pytest.mark.parametrize(
    ("channels", "groups", "made"),
    [
        (64, 0, 4),
        (24, 0, 3),
        (8, 0, 1),
        (17, 0, 17),
        (64, 32, 32),
        (48, 32, 16),
        (40, 32, 8),
        (2, 3, 1),
    ],
)
def test_the_groups_of_a_group_norm_divide_its_channels(
    channels: int, groups: int, made: int
) -> None:
    norm = ConvFactory(norm=Norm("group", groups)).norm(channels)

    assert isinstance(norm, nn.GroupNorm)
    assert norm.num_groups == made


@pytest.mark.parametrize(
    ("kind", "shape", "eps"),
    [
        ("group", (2, 2, 16, 5, 7), 1e-5),
        ("layer", (2, 1, 32, 5, 7), 1e-6),
        ("instance", (2, 32, 1, 5, 7), 1e-5),
    ],
)
def test_a_norm_is_taken_over_the_values_that_the_papers_say(
    kind: str, shape: tuple[int, ...], eps: float
) -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 32, 5, 7, dtype=torch.float64)
    groups, over = x.reshape(shape), (2,) if kind == "layer" else (2, 3, 4)
    away = groups - groups.mean(over, keepdim=True)
    expected = away / ((away**2).mean(over, keepdim=True) + eps).sqrt()

    actual = ConvFactory(norm=Norm(kind)).norm(32).double()(x)

    torch.testing.assert_close(actual, expected.reshape(x.shape), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", OTHERS)
def test_the_deployed_form_keeps_the_norm(yolov5p: Variant, kind: str) -> None:
    model = build(replace(yolov5p, norm=Norm(kind)), classes=3, seed=0).double().eval()
    _shake(model)
    image = torch.rand(1, 3, 64, 64, dtype=torch.float64)

    with torch.no_grad():
        trained, deployed = model(image), deploy(model)(image)

    for one, other in zip(trained, deployed, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("signature", "kind"),
    list(product(BLOCKS, OTHERS)),
    ids=lambda value: getattr(value, "address", value),
)
def test_every_block_deploys_with_every_norm(signature: BlockSignature, kind: str) -> None:
    block = _built(signature, ConvFactory(norm=Norm(kind))).double()
    _shake(block)
    x = torch.rand(2, 16, 16, 16, dtype=torch.float64)

    with torch.no_grad():
        expected = block.eval()(x)
        actual = deploy(nn.Sequential(block))(x)

    assert (actual - expected).abs().max() <= 1e-9 * expected.abs().max()


def _built(signature: BlockSignature, make: ConvFactory) -> nn.Module:
    try:
        return _cls(signature)(16, 32, make=make)
    except ValueError:  # it keeps its width
        return _cls(signature)(16, 16, make=make)


def _shake(model: nn.Module) -> None:
    """Parameters and statistics that are neither 0 nor 1."""
    torch.manual_seed(0)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                noise: Tensor = torch.rand_like(tensor)
                tensor.add_(noise * 0.3 + 0.1)

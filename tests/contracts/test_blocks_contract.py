"""What every block must keep. Being in suite/nn/blocks is being tested."""

import copy
import importlib
import inspect
import re
from collections.abc import Mapping, Sequence

import pytest
import torch
from torch import Tensor, nn

from suite.nn.deploy import deploy
from suite.nn.layers import ConvNormAct
from suite.spec.blocks.signatures import REQUIRED, BlockSignature, default_signatures
from tests.contracts.exports import exported
from tests.narrowing import opened

IN, OUT, SIZE = 16, 24, 16
EXPORT_TOLERANCE = 1e-4  # of the largest magnitude, in float32
# what an option gets that has no default, by its type
STATES = {"int": 4, "float": 0.25, "bool": True}
SOURCE = re.compile(r"arXiv \d{4}\.\d{4,5}|YOLOv5")

SIGNATURES = default_signatures()
WHOLE = {"timm.Backbone"}  # gives several maps, and only what timm builds: it has tests of its own
# operators that say so where they are to take a strided convolution's place
ONE_STRIDE = {"fasternet.PConv"}
ALL = [
    s
    for s in map(SIGNATURES.get, SIGNATURES.addresses())
    if s.kind != "head" and s.address not in WHOLE
]
every_block = pytest.mark.parametrize("signature", ALL, ids=[s.address for s in ALL])


def built(signature: BlockSignature, **options: object) -> nn.Module:
    """The block with a new width if it can change it, in float64; an operator with the norm that follows it."""
    module, name = signature.address.split(".")
    cls = getattr(importlib.import_module(f"suite.nn.blocks.{module}"), name)
    options |= {
        k: STATES[signature.types[k]]
        for k, default in signature.options.items()
        if default is REQUIRED
    }
    if signature.multi_input:
        return OfOneMap(cls((IN, IN), **options)).double()
    if not signature.takes_out:
        result: nn.Module = cls(IN, **options).double()
        return result
    try:
        return _of_width(OUT, cls, signature, options).double()
    except ValueError:  # it keeps its width
        return _of_width(IN, cls, signature, options).double()


def _of_width(
    out: int, cls: type[nn.Module], signature: BlockSignature, options: Mapping[str, object]
) -> nn.Module:
    if signature.kind != "operator":
        return cls(IN, out, **options)
    others = {name: value for name, value in options.items() if name != "stride"}
    operator = cls(IN, out, 3, options.get("stride", 1), 1, 1, 1, **others)
    return ConvNormAct(operator, nn.BatchNorm2d(out), nn.SiLU())


class OfOneMap(nn.Module):
    """A block that takes two maps, given one and the same turned upside down."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block((x, x.flip(2)))
        return out


def shaken(block: nn.Module) -> nn.Module:
    """`block` with random parameters and with statistics of a few batches: nothing of it left at 0 or 1."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(torch.rand_like(parameter) * 0.4 + 0.1)
        for _ in range(3):
            block.train()(images(4))
    return block.eval()


def images(batch: int) -> Tensor:
    return torch.rand(batch, IN, SIZE, SIZE, dtype=torch.float64)


def relative_error(actual: Tensor, expected: Tensor) -> float:
    return ((actual - expected).abs().max() / expected.abs().max()).item()


@every_block
def test_a_block_file_says_what_it_is_and_where_from(signature: BlockSignature) -> None:
    module, name = signature.address.split(".")
    file = importlib.import_module(f"suite.nn.blocks.{module}")

    assert SOURCE.search(inspect.getdoc(file) or "")
    assert getattr(file, name).__doc__


@every_block
def test_a_block_gives_the_channels_and_the_stride_it_is_asked_for(
    signature: BlockSignature,
) -> None:
    block = built(signature).eval()

    with torch.no_grad():
        out = block(images(2))

    height = SIZE * int(opened(signature.options.get("scale", 1))) // signature.stride
    assert out.shape[2:] == (height, height)
    assert out.shape[1] in ({IN, OUT} if signature.takes_out else {IN})


@every_block
def test_a_stride_of_two_halves_the_resolution(signature: BlockSignature) -> None:
    if signature.address in ONE_STRIDE or not signature.takes_stride or signature.stride > 2:
        pytest.skip("the block has one stride only")
    block = built(signature, stride=2).eval()

    with torch.no_grad():
        out = block(images(1))

    assert out.shape[2:] == (SIZE // 2, SIZE // 2)


@every_block
def test_every_parameter_of_a_block_gets_a_gradient(signature: BlockSignature) -> None:
    block = built(signature).train()

    block(images(2).requires_grad_()).square().sum().backward()

    assert [
        name
        for name, p in block.named_parameters()
        if p.grad is None or not p.grad.isfinite().all()
    ] == []


@every_block
def test_a_block_trains_on_a_single_image(signature: BlockSignature) -> None:
    out = built(signature).train()(images(1).requires_grad_())
    out.square().sum().backward()

    assert out.isfinite().all()


@every_block
def test_the_deployed_block_gives_the_trained_ones_output(signature: BlockSignature) -> None:
    block, x = shaken(built(signature)), images(3)

    with torch.no_grad():
        expected, actual = block(x), deploy(nn.Sequential(block))(x)

    assert relative_error(actual, expected) < 1e-9


@every_block
def test_a_deployed_block_has_no_batch_norm_left(signature: BlockSignature) -> None:
    deployed = deploy(nn.Sequential(built(signature)))

    assert not [m for m in deployed.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]


@every_block
def test_the_evaluation_of_an_image_does_not_depend_on_its_batch(signature: BlockSignature) -> None:
    block, x = shaken(built(signature)), images(3)

    with torch.no_grad():
        alone, together = block(x[:1]), block(x)[:1]

    assert relative_error(alone, together) < 1e-9


@every_block
def test_two_instances_of_a_block_share_nothing(signature: BlockSignature) -> None:
    first, second = built(signature), built(signature)
    before = copy.deepcopy(second.state_dict())

    shaken(first)

    assert all(torch.equal(tensor, before[name]) for name, tensor in second.state_dict().items())
    assert not {t.data_ptr() for t in first.state_dict().values()} & {
        t.data_ptr() for t in second.state_dict().values()
    }


class SideBySide(nn.Module):
    """Blocks that all see one input: exported together they cost a quarter of what they cost one by one."""

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(block(x) for block in self.blocks)


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, tuple[Tensor, Tensor]]:
    """What every deployed block says of an image, here and, exported, in onnxruntime."""
    x = images(1).float()
    blocks = [deploy(nn.Sequential(shaken(built(signature)))).float() for signature in ALL]

    here, there = exported(SideBySide(blocks), x)

    return {s.address: pair for s, pair in zip(ALL, zip(here, there, strict=True), strict=True)}


@every_block
def test_an_exported_block_gives_the_same_in_onnxruntime(
    signature: BlockSignature, elsewhere: dict[str, tuple[Tensor, Tensor]]
) -> None:
    here, there = elsewhere[signature.address]

    assert there.shape == here.shape
    assert relative_error(there, here) < EXPORT_TOLERANCE

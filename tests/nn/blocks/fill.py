"""The fill rule of tests/golden/blocks/README.md: a tensor follows from its kind and shape, never from its name."""

import json
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from suite.nn.blocks.odconv import ODConv
from suite.nn.layers import LayerNorm2d

GOLDEN = Path(__file__).parents[2] / "golden" / "blocks"
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, LayerNorm2d)
WEIGHED = (nn.Conv2d, nn.Linear)
ALONE = {"layer_scale": "ls", "bias_table": "rpb"}  # the kinds of parameters that are in no layer
TOLERANCE = 1e-8  # relative, in float64


def golden(name: str) -> dict[str, dict[str, Any]]:
    cases: dict[str, dict[str, Any]] = json.loads((GOLDEN / f"{name}.json").read_text())["cases"]
    return cases


def canonical(kind: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    least = 3 if kind == "wk" else 2
    while len(shape) > least and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def uniform(salt: str, count: int) -> np.ndarray:
    """`count` numbers in [-1, 1): splitmix64 of the index and the salt's CRC-32."""
    offset = (zlib.crc32(salt.encode()) << 32) + 1
    with np.errstate(over="ignore"):
        z = (np.arange(count, dtype=np.uint64) + np.uint64(offset)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1


def value(kind: str, shape: tuple[int, ...], norm_scale: float = 1.0) -> Tensor:
    shape = canonical(kind, shape)
    u = uniform(f"{kind}:{','.join(map(str, shape))}", math.prod(shape))
    match kind:
        case "w":
            u = u * math.sqrt(3 / math.prod(shape[1:]))
        case "wk":
            u = u * math.sqrt(3 / math.prod(shape[2:]))
        case "b" | "nb" | "rm":
            u = 0.1 * u
        case "nw":
            u = norm_scale * (1 + 0.2 * u)
        case "rv":
            u = 1 + 0.5 * u
        case "ls":
            u = 0.5 + 0.2 * u
        case "rpb":
            u = 0.2 * u
    return torch.from_numpy(u).reshape(shape)


def tensors(model: nn.Module) -> Iterator[tuple[str, tuple[int, ...], Tensor]]:
    """Kind, canonical shape and tensor of every parameter and statistic of `model`."""
    for module in model.modules():
        norm = isinstance(module, NORMS)
        for name, tensor in (
            *module.named_parameters(recurse=False),
            *module.named_buffers(recurse=False),
        ):
            shape = tuple(tensor.shape)
            match name:
                case "num_batches_tracked" | "index":
                    continue
                case "weight" if isinstance(module, ODConv):
                    kind, shape = "wk", (shape[0], *module.shape)
                case "weight" if norm:
                    kind = "nw"
                case "bias" if norm:
                    kind = "nb"
                case "running_mean":
                    kind = "rm"
                case "running_var":
                    kind = "rv"
                case "layer_scale" | "bias_table":
                    kind = ALONE[name]
                case "weight" if isinstance(module, WEIGHED):
                    kind = "w"
                case "bias" if isinstance(module, WEIGHED):
                    kind = "b"
                case _:
                    raise LookupError(f"{type(module).__name__}.{name} has no kind")
            yield kind, canonical(kind, shape), tensor


def fill(model: nn.Module, norm_scale: float = 1.0) -> Any:
    """`model` in float64, every tensor filled by the rule; its parts may be anything, as torch types them."""
    model = model.double()
    with torch.no_grad():
        for kind, shape, tensor in tensors(model):
            tensor.copy_(value(kind, shape, norm_scale).reshape(tensor.shape))
    return model


def slots(model: nn.Module) -> dict[str, int]:
    """How many tensors of each kind and shape there are."""
    return dict(Counter(f"{kind}:{','.join(map(str, shape))}" for kind, shape, _ in tensors(model)))


def given(case: dict[str, Any]) -> Tensor:
    shape = tuple(case["input"]["shape"])
    return value("x", shape).reshape(shape)


def macs(model: nn.Module, x: Tensor) -> int:
    """Multiply-adds of convolutions and matrix products, of the whole batch."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x)
    flops: int = counter.get_total_flops()
    return flops // 2


def assert_output(actual: Tensor, expected: dict[str, Any]) -> None:
    """Shape, statistics, first and last values of a stored output; relative to its largest magnitude."""
    flat = actual.detach().flatten()
    first = torch.tensor(expected["first"], dtype=torch.float64)
    last = torch.tensor(expected.get("last", []), dtype=torch.float64)
    allowed = TOLERANCE * expected["absmax"]

    assert list(actual.shape) == expected["shape"]
    assert flat.mean().item() == _near(expected["mean"], allowed)
    assert flat.std(correction=0).item() == _near(expected["std"], allowed)
    assert flat.abs().max().item() == _near(expected["absmax"], allowed)
    torch.testing.assert_close(flat[: len(first)], first, rtol=TOLERANCE, atol=allowed)
    torch.testing.assert_close(flat[len(flat) - len(last) :], last, rtol=TOLERANCE, atol=allowed)


def _near(expected: float, allowed: float) -> object:
    import pytest

    return pytest.approx(expected, rel=TOLERANCE, abs=allowed)

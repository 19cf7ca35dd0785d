"""The backbone of a variant beside a reference's: counted, and run with the reference's weights."""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.nn.shapes import Shapes
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from tests.nn.blocks.fill import GOLDEN, macs

COUNTS: dict[str, Any] = json.loads((GOLDEN / "backbone_counts.json").read_text())
TAGS = {"p2", "p3", "p4"}
EXACT = 1e-9  # of the largest magnitude, in float64
Maps = Callable[[Tensor], Sequence[Tensor]]


class Backbone(nn.Module):
    """A variant's backbone without its SPPF: the maps at p2, p3 and p4, and the last one."""

    def __init__(self, variant: Variant | str, device: str = "cpu") -> None:
        super().__init__()
        detector = build(
            Library().load(variant) if isinstance(variant, str) else variant, device=device
        )
        self.layers = detector.backbone[:-1]
        nodes = detector.graph[: len(self.layers)]
        self.tapped = [not TAGS.isdisjoint(node.tags) for node in nodes[:-1]] + [True]
        self.taps = {
            n.stride: n.out_channels[0]
            for n, tapped in zip(nodes, self.tapped, strict=True)
            if tapped
        }

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for layer, tapped in zip(self.layers, self.tapped, strict=True):
            x = layer(x)
            maps += [x] if tapped else []
        return maps


@dataclass(frozen=True)
class Counts:
    """What a backbone has and costs, counted on the meta device."""

    params: int
    macs_640: int
    macs_224: int
    taps: dict[int, int]  # channels by stride


def counted(variant: Variant | str) -> Counts:
    return _counted_by_name(variant) if isinstance(variant, str) else _counted(variant)


@cache
def _counted_by_name(name: str) -> Counts:
    return _counted(name)


def _counted(variant: Variant | str) -> Counts:
    backbone = Backbone(variant, "meta").eval()
    with Shapes():
        large, small = (
            macs(backbone, torch.empty(1, 3, size, size, device="meta")) for size in (640, 224)
        )
    return Counts(parameters(backbone), large, small, backbone.taps)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def ghostnet_as_timm_cuts_it() -> Variant:
    """GhostNet with the taps of timm's features: the first layer of stride 16, and the first of 32, its last."""
    variant = Library().load("yolov5s_ghostnet")
    body = [
        replace(layer, tags={} if "p4" in layer.tags else layer.tags)
        for layer in variant.part("backbone")
    ]
    first_of_16 = next(i for i, layer in enumerate(body) if layer.out == 80)
    first_of_32 = next(i for i, layer in enumerate(body) if layer.out == 160)
    body[first_of_16] = replace(body[first_of_16], tags={"p4": 0})
    backbone = (*body[: first_of_32 + 1], body[-1])
    return replace(variant, layers=(*backbone, *variant.part("neck"), *variant.part("head")))


def reference_taps(name: str) -> dict[int, int]:
    """Channels by stride of the counted reference."""
    return {tap["stride"]: tap["channels"] for tap in COUNTS[name]["taps"]}


def tapped(layers: Sequence[nn.Module], taps: Sequence[int]) -> nn.Module:
    """A reference made of layers in a row, as the maps after the layers at the positions `taps`."""

    class Tapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(layers)

        def forward(self, x: Tensor) -> list[Tensor]:
            outputs = []
            for layer in self.layers:
                x = layer(x)
                outputs.append(x)
            return [outputs[position] for position in taps]

    return Tapped()


def give_weights(reference: nn.Module, model: nn.Module) -> None:
    """Fill `reference` at random and `model` with the same tensors, those of one shape in the order they appear."""
    torch.manual_seed(0)
    waiting: dict[tuple[str, tuple[int, ...]], deque[Tensor]] = defaultdict(deque)
    for key, tensor in _tensors(reference):
        fan_in = max(tensor[0].numel(), 1)
        spread = (
            torch.randn_like(tensor) * (2 / fan_in) ** 0.5
            if tensor.ndim > 1
            else torch.rand_like(tensor) + 0.5
        )
        tensor.copy_(spread if key[0] in {"weight", "running_var"} else spread - 1)
        waiting[key].append(tensor)
    for key, tensor in _tensors(model):
        tensor.copy_(waiting[key].popleft())
    assert not any(waiting.values()), "the reference has tensors that the model lacks"


def assert_same_maps(reference: nn.Module, model: nn.Module) -> None:
    """With the same weights both give the same maps in evaluation, and so does the deployed form."""
    reference, model = reference.double().eval(), model.double().eval()
    give_weights(reference, model)
    x = torch.rand(2, 3, 64, 96, dtype=torch.float64)

    with torch.no_grad():
        expected, actual, deployed = reference(x), model(x), deploy(model)(x)

    for theirs, ours, merged in zip(expected, actual, deployed, strict=True):
        assert theirs.abs().max() > 0
        assert (ours - theirs).abs().max() <= EXACT * theirs.abs().max()
        assert (merged - theirs).abs().max() <= EXACT * theirs.abs().max()


def _tensors(model: nn.Module) -> list[tuple[tuple[str, tuple[int, ...]], Tensor]]:
    """Each tensor of the state, under its role and shape."""
    state = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    return [
        ((name.rpartition(".")[2], tuple(tensor.shape)), tensor) for name, tensor in state.items()
    ]

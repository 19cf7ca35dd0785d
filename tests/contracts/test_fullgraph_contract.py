"""Every variant becomes one graph under `torch.compile(fullgraph=True)`: a break would hand it back to Python.

A graph breaks inside a layer's code or in what joins the layers. So every kind of layer that some variant has is
compiled alone, in its deployed form, on the inputs it gets in the smallest variant with it; whole networks are tried
for each way of decoding. A kind is a block with the names of its options, an operator in a block, activation, norm.
Dynamo only follows the code: nothing is computed.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.match import solved
from suite.nn.deploy import deploy
from suite.nn.detector import Detector, build
from suite.spec.library import Library
from suite.spec.records.variant import Layer, Variant

LIBRARY = Library()
CLASSES, SIDE = 3, 128
SMALL = 1_000_000  # parameters of a variant that is tried in the default run
HEADS = ("yolov5p", "tiny_decoupled")


def features_of(variant: Variant, layer: Layer) -> set[tuple[object, ...]]:
    """What there is about a layer that may break a graph."""
    operators = {
        edit.operator
        for edit in variant.conv_edits
        if not edit.select.part or layer.part in edit.select.part
    }
    return {
        (layer.block, *sorted(layer.options)),
        *((layer.block, operator) for operator in operators),
        ("activation", repr(variant.activation)),
        ("norm", repr(variant.norm)),
    }


def size_of(name: str) -> tuple[int, str]:
    return LIBRARY.load(name).expect.params or 0, name


def cases() -> list[Any]:
    """The smallest variants that together have every feature, each with the positions of the layers that add one."""
    seen: set[tuple[object, ...]] = set()
    found = []
    for name in sorted(LIBRARY.names(), key=size_of):
        variant = LIBRARY.load(name)
        new = []
        for position, layer in enumerate(variant.layers):
            features = features_of(variant, layer)
            new += [position] if features - seen else []
            seen |= features
        if new:
            marks = [pytest.mark.slow] if size_of(name)[0] > SMALL else []
            found.append(pytest.param(name, new, marks=marks, id=f"{name}-{len(new)}"))
    return found


def compiled(module: Any, *inputs: object) -> object:
    torch._dynamo.reset()
    with torch.no_grad():
        return torch.compile(module, backend="eager", fullgraph=True, dynamic=False)(*inputs)


def deployed(name: str) -> Detector:
    return deploy(build(solved(LIBRARY.load(name), LIBRARY), CLASSES, device="meta"))


def images(model: Detector) -> Tensor:
    return torch.empty(1, 3, SIDE, SIDE, device="meta")


def inputs_of(model: Detector) -> list[tuple[nn.Module, Sequence[object]]]:
    """Every layer with what it is called with, in order."""
    found: list[tuple[nn.Module, Sequence[object]]] = []
    layers = [*model.backbone, *model.neck, model.head]
    handles = [
        layer.register_forward_pre_hook(lambda m, given: found.append((m, given)))
        for layer in layers
    ]
    with torch.no_grad():
        model(images(model))
    for handle in handles:
        handle.remove()
    return found


@pytest.mark.parametrize(("name", "positions"), cases())
def test_every_kind_of_layer_is_one_graph(name: str, positions: list[int]) -> None:
    layers = inputs_of(deployed(name))

    for position in positions:
        layer, given = layers[position]
        with torch.no_grad():
            expected = layer(*given)
        found = compiled(layer, *given)

        assert shapes(found) == shapes(expected)


@pytest.mark.parametrize("name", HEADS)
def test_a_whole_network_with_its_decoding_is_one_graph(name: str) -> None:
    model = deployed(name)

    found = compiled(model.predict, images(model))

    assert shapes(found) == shapes(model.predict(images(model)))


def test_the_networks_that_are_tried_whole_have_every_way_of_decoding() -> None:
    heads = {layer.block for name in LIBRARY.names() for layer in LIBRARY.load(name).part("head")}
    whole = {layer.block for name in HEADS for layer in LIBRARY.load(name).part("head")}

    # an anchor head whose convolutions fold into anchor heads'
    assert heads - whole == {"implicit.ImplicitHead"}


def test_a_break_would_be_noticed() -> None:
    class Breaking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1 if x.sum() > 0 else x

    with pytest.raises(torch._dynamo.exc.TorchDynamoException):
        compiled(Breaking(), torch.ones(2))


def shapes(output: Any) -> list[tuple[int, ...]]:
    """Of one tensor, or of each of several."""
    maps = [output] if isinstance(output, Tensor) else output
    return [tuple(x.shape) for x in maps]

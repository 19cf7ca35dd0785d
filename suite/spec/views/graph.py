"""The graph of a resolved variant without building it: addresses, and who reads whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.spec.records.variant import Layer

IMAGE = -1  # the source of the first layer


@dataclass(frozen=True, slots=True)
class Vertex:
    """A layer with its address, such as "backbone.3", and the positions of the layers that it reads."""

    address: str
    layer: Layer
    sources: tuple[int, ...]


def vertices(layers: Sequence[Layer]) -> tuple[Vertex, ...]:
    """The layers in their order; an input whose tag no layer above has is left out."""
    graph: list[Vertex] = []
    tags: dict[str, int] = {}
    counts: dict[str, int] = {}
    for position, layer in enumerate(layers):
        number = counts.get(layer.part, 0)
        counts[layer.part] = number + 1
        address = "head" if layer.part == "head" else f"{layer.part}.{number}"
        above = {**tags, "last": position - 1}
        sources = tuple(above[name] for name in layer.inputs if name in above)
        graph.append(Vertex(address, layer, sources))
        tags |= dict.fromkeys(layer.tags, position)
    return tuple(graph)


def stored_layers(architecture: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The layers of an architecture that `Variant.architecture` gave and a store kept."""
    return tuple(_layer(line) for line in architecture.get("layers", []))


def _layer(line: Mapping[str, Any]) -> Layer:
    return Layer(
        block=line["block"],
        part=line["part"],
        out=line["out"],
        repeat=line["repeat"],
        stride=line["stride"],
        inputs=tuple(line["inputs"]),
        tags=line["tags"],
        options=line["options"],
    )

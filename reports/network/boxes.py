"""What a drawing shows: one box a layer, or one for several layers of one kind in a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suite.record import Json
from suite.spec.records.variant import Part
from suite.spec.views.diff import Difference, Kind
from suite.spec.views.graph import Vertex, stored_layers, vertices


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """What only building tells of a layer: the stride and the channels of its output, None for the head; its cost.

    `replaced` counts the convolutions inside it that an edit replaced.
    """

    stride: int | None
    channels: int | None
    params: int
    gmacs: float
    replaced: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """One box; `sources` are positions of boxes, `kind` is how it differs from the base, `layers` how many it holds."""

    address: str
    block: str
    part: Part
    sources: tuple[int, ...]
    stride: int | None
    size: str
    tags: tuple[str, ...]
    kind: Kind | None
    replaced: int
    tip: str
    layers: int = 1


def boxes(
    architecture: Mapping[str, Json], facts: Mapping[str, LayerFacts], difference: Difference | None
) -> tuple[Box, ...]:
    """The boxes of a network in its order; () where a layer's facts are missing, as of one that does not build."""
    graph = vertices(stored_layers(architecture))
    if any(vertex.address not in facts for vertex in graph):
        return ()
    return _grouped([_box(vertex, facts[vertex.address], difference) for vertex in graph])


def _box(vertex: Vertex, facts: LayerFacts, difference: Difference | None) -> Box:
    layer = vertex.layer
    kind = difference.kind_at(vertex.address) if difference else None
    size = " · ".join(
        words
        for words in (
            f"×{layer.repeat}" if layer.repeat > 1 else "",
            f"{facts.channels} channels" if facts.channels else "",
            f"{len(vertex.sources)} maps" if layer.part == "head" else "",
        )
        if words
    )
    options = ", ".join(f"{key}: {value}" for key, value in layer.options.items())
    told = [
        f"{vertex.address} {layer.block}",
        options,
        f"{facts.params:,} parameters, {facts.gmacs:.4g} GMACs",
        f"{facts.replaced} convolutions replaced" if facts.replaced else "",
        difference.told_at(vertex.address) if difference else "",
    ]
    tip = "\n".join(line for line in told if line)
    return Box(
        vertex.address,
        layer.block,
        layer.part,
        vertex.sources,
        facts.stride,
        size,
        tuple(layer.tags),
        kind,
        facts.replaced,
        tip,
    )


def _grouped(found: Sequence[Box]) -> tuple[Box, ...]:
    """Layers in a row that are alike and that nobody else reads share a box."""
    readers: dict[int, int] = {}
    for box in found:
        for source in box.sources:
            readers[source] = readers.get(source, 0) + 1
    groups: list[Box] = []
    places: dict[int, int] = {-1: -1}
    for position, box in enumerate(found):
        last = groups[-1] if groups else None
        if (
            last
            and box.sources == (position - 1,)
            and readers[position - 1] == 1
            and _alike(last, box)
        ):
            groups[-1] = _joined(last, box)
        else:
            groups.append(replace(box, sources=tuple(places[source] for source in box.sources)))
        places[position] = len(groups) - 1
    return tuple(groups)


def _alike(one: Box, other: Box) -> bool:
    same = (one.part, one.block, one.stride, one.kind, bool(one.replaced))
    return (
        same == (other.part, other.block, other.stride, other.kind, bool(other.replaced))
        and not one.tags
    )


def _joined(one: Box, other: Box) -> Box:
    channels = other.size.rpartition(" · ")[2]
    count = one.layers + other.layers
    return replace(
        one,
        address=f"{one.address.partition(' to ')[0]} to {other.address}",
        size=f"{count} layers · {channels}",
        tags=other.tags,
        replaced=one.replaced + other.replaced,
        tip=f"{one.tip}\n{other.tip}",
        layers=count,
    )

"""What a drawing shows: one box a layer, or one for several layers of one kind in a row."""

from collections import Counter
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
    return Box(
        address=vertex.address,
        block=layer.block,
        part=layer.part,
        sources=vertex.sources,
        stride=facts.stride,
        size=_size(vertex, facts),
        tags=tuple(layer.tags),
        kind=difference.kind_at(vertex.address) if difference else None,
        replaced=facts.replaced,
        tip=_tip(vertex, facts, difference),
    )


def _size(vertex: Vertex, facts: LayerFacts) -> str:
    """`×3 · 128 channels`: repeats, channels, and the maps that a head reads."""
    parts = []
    if vertex.layer.repeat > 1:
        parts.append(f"×{vertex.layer.repeat}")
    if facts.channels:
        parts.append(f"{facts.channels} channels")
    if vertex.layer.part == "head":
        parts.append(f"{len(vertex.sources)} maps")
    return " · ".join(parts)


def _tip(vertex: Vertex, facts: LayerFacts, difference: Difference | None) -> str:
    """All that is known of a layer, line by line."""
    options = ", ".join(f"{key}: {value}" for key, value in vertex.layer.options.items())
    lines = [
        f"{vertex.address} {vertex.layer.block}",
        options,
        f"{facts.params:,} parameters, {facts.gmacs:.4g} GMACs",
        f"{facts.replaced} convolutions replaced" if facts.replaced else "",
        difference.told_at(vertex.address) if difference else "",
    ]
    return "\n".join(line for line in lines if line)


def _grouped(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """Layers in a row that are alike and that nobody else reads share a box."""
    readers = Counter(source for box in boxes for source in box.sources)
    groups: list[Box] = []
    group_of = {-1: -1}  # by position; the image is no box
    for position, box in enumerate(boxes):
        goes_on = box.sources == (position - 1,) and readers[position - 1] == 1
        if groups and goes_on and _alike(groups[-1], box):
            groups[-1] = _joined(groups[-1], box)
        else:
            groups.append(replace(box, sources=tuple(group_of[source] for source in box.sources)))
        group_of[position] = len(groups) - 1
    return tuple(groups)


def _alike(one: Box, other: Box) -> bool:
    return _look(one) == _look(other) and not one.tags


def _look(box: Box) -> tuple[object, ...]:
    """What two boxes must share to be drawn as one."""
    return box.part, box.block, box.stride, box.kind, bool(box.replaced)


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

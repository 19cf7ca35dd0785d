"""What a network has that another has not: layers added, removed, replaced or changed, and keys of the whole model.

Two lists of layers are aligned by the cheapest edit (Needleman and Wunsch 1970), part by part. Tags are names and no
difference; that a layer reads another map is one, unless an added or removed layer between the two explains it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from suite.record import Json
from suite.spec.records.variant import PARTS, Layer
from suite.spec.views.graph import IMAGE, Vertex, stored_layers, vertices

Kind = Literal["added", "removed", "replaced", "changed"]
SIGNS: dict[Kind, str] = {"added": "+", "removed": "−", "replaced": "≠", "changed": "~"}
_LISTS = frozenset({"layers", "conv_edits"})
_ALONE = 1.0  # the price of a layer that stands alone; two layers are paired where that is cheaper than two alone
_SAME_PLACE, _STRANGERS = 1.4, 2.5
_PER_OPTION, _MOST_OPTIONS = 0.1, 0.8
_Pair = tuple[Vertex | None, Vertex | None]  # a layer and its counterpart in the other network


@dataclass(frozen=True, slots=True)
class Change:
    """One key of a layer or of the whole model; None stands for a key that is not there."""

    key: str
    before: Json
    after: Json

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.key} {_written(self.after)}"
        after = "default" if self.after is None else _written(self.after)
        return f"{self.key} {_written(self.before)} → {after}"


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A layer that differs. `address` is its own, `was` that of its counterpart; "" where there is none."""

    kind: Kind
    address: str
    was: str
    block: str
    old_block: str
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        blocks = self.block or self.old_block
        if self.kind == "replaced":
            blocks = f"{self.old_block} → {self.block}"
        text = f"{SIGNS[self.kind]} {self.address or self.was} {blocks}"
        changes = ", ".join(map(str, self.changes))
        return f"{text}: {changes}" if changes else text


@dataclass(frozen=True, slots=True)
class Difference:
    """All that is different, in the order of the layers."""

    layers: tuple[LayerChange, ...]
    whole: tuple[Change, ...]

    def kind_at(self, address: str) -> Kind | None:
        """How the layer of that address differs; None where it does not."""
        return next((change.kind for change in self.layers if change.address == address), None)

    def told_at(self, address: str) -> str:
        """The difference of the layer of that address in words, "" where there is none."""
        return next((str(change) for change in self.layers if change.address == address), "")


def difference(this: Mapping[str, Json], other: Mapping[str, Json]) -> Difference:
    """What the architecture `this` has that `other` has not (`Variant.architecture`, stored or not)."""
    mine, theirs = vertices(stored_layers(this)), vertices(stored_layers(other))
    pairs: list[_Pair] = []
    for part in PARTS:
        pairs += _aligned(_of_part(mine, part), _of_part(theirs, part))
    counterparts = {new.address: old.address for new, old in pairs if new and old}
    edges = _Edges(mine, theirs, counterparts)
    changes = (_change(new, old, edges) for new, old in pairs)
    layers = tuple(change for change in changes if change is not None)
    keys = [
        key for key in {**other, **this} if key not in _LISTS and this.get(key) != other.get(key)
    ]
    # an empty list is none
    whole = tuple(Change(key, other.get(key) or None, this.get(key) or None) for key in keys)
    return Difference(layers, whole)


def _of_part(graph: Sequence[Vertex], part: str) -> list[Vertex]:
    return [vertex for vertex in graph if vertex.layer.part == part]


@dataclass(frozen=True, slots=True)
class _Edges:
    """Who reads whom in both networks; `counterparts` are addresses of this one and of the other."""

    mine: tuple[Vertex, ...]
    theirs: tuple[Vertex, ...]
    counterparts: Mapping[str, str]

    def same(self, new: Vertex, old: Vertex) -> bool:
        """Whether both read the same maps, looking through layers that only one of the networks has."""
        kept = set(self.counterparts.values())
        ours = [self._known(self.mine, source, set(self.counterparts)) for source in new.sources]
        others = [self._known(self.theirs, source, kept) for source in old.sources]
        return [self.counterparts.get(address, address) for address in ours] == others

    @staticmethod
    def _known(graph: tuple[Vertex, ...], position: int, known: set[str]) -> str:
        while position != IMAGE and graph[position].address not in known:
            position = graph[position].sources[0] if graph[position].sources else IMAGE
        return "" if position == IMAGE else graph[position].address


def _change(new: Vertex | None, old: Vertex | None, edges: _Edges) -> LayerChange | None:
    if old is None:
        assert new is not None, "a pair has at least one layer"
        return LayerChange("added", new.address, "", new.layer.block, "", _stated(new.layer))
    if new is None:
        return LayerChange("removed", "", old.address, "", old.layer.block)
    blocks = (new.address, old.address, new.layer.block, old.layer.block)
    changes = _changes(new.layer, old.layer)
    if new.layer.block != old.layer.block:
        return LayerChange("replaced", *blocks, tuple(changes))
    if new.layer.inputs != old.layer.inputs and not edges.same(new, old):
        changes.append(Change("inputs", list(old.layer.inputs), list(new.layer.inputs)))
    return LayerChange("changed", *blocks, tuple(changes)) if changes else None


def _changes(new: Layer, old: Layer) -> list[Change]:
    before, after = _keys(old), _keys(new)
    return [
        Change(k, before.get(k), after.get(k))
        for k in {**before, **after}
        if before.get(k) != after.get(k)
    ]


def _stated(layer: Layer) -> tuple[Change, ...]:
    return tuple(
        Change(key, None, value) for key, value in _keys(layer).items() if value is not None
    )


def _keys(layer: Layer) -> dict[str, Json]:
    repeat = layer.repeat if layer.repeat != 1 else None
    return {"out": layer.out, "repeat": repeat, "stride": layer.stride, **layer.options}


def _aligned(mine: Sequence[Vertex], theirs: Sequence[Vertex]) -> list[_Pair]:
    """Both lists in one, each layer beside its counterpart or beside nothing."""
    cost = _costs(mine, theirs)
    pairs: list[_Pair] = []
    i, j = len(mine), len(theirs)
    while i and j:
        price = _price(mine[i - 1].layer, theirs[j - 1].layer)
        if cost[i][j] == cost[i - 1][j - 1] + price:
            i, j = i - 1, j - 1
            pairs.append((mine[i], theirs[j]))
        elif cost[i][j] == cost[i - 1][j] + _ALONE:
            i -= 1
            pairs.append((mine[i], None))
        else:
            j -= 1
            pairs.append((None, theirs[j]))
    pairs += [(new, None) for new in reversed(mine[:i])]
    pairs += [(None, old) for old in reversed(theirs[:j])]
    return pairs[::-1]


def _costs(mine: Sequence[Vertex], theirs: Sequence[Vertex]) -> list[list[float]]:
    """The least cost of making the first i layers of one list the first j of the other, at [i][j]."""
    width = len(theirs) + 1
    cost = [[_ALONE * (i + j) for j in range(width)] for i in range(len(mine) + 1)]
    for i, new in enumerate(mine, start=1):
        for j, old in enumerate(theirs, start=1):
            alone = min(cost[i - 1][j], cost[i][j - 1]) + _ALONE
            cost[i][j] = min(cost[i - 1][j - 1] + _price(new.layer, old.layer), alone)
    return cost


def _price(new: Layer, old: Layer) -> float:
    """What it costs to take one layer for the other."""
    if new.block == old.block:
        return min(_PER_OPTION * len(_changes(new, old)), _MOST_OPTIONS)
    shrinks_alike = new.stride is not None and new.stride == old.stride
    shares_tag = not new.tags.keys().isdisjoint(old.tags.keys())
    same_shape = (new.out, new.stride) == (old.out, old.stride)
    return _SAME_PLACE if shrinks_alike or shares_tag or same_shape else _STRANGERS


def _written(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_written(item)}' for key, item in value.items())}}}"
    return f"{value:g}" if isinstance(value, float) else str(value)

"""The frozen records that one file becomes before its base is known: names are checked, references are not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from suite.spec.records.blockfile import BlockFile
from suite.spec.records.cost import Match
from suite.spec.records.objective import Assigner, Loss, Suppression
from suite.spec.records.variant import Expect, Layer, Norm, Option, Part, Schedule, Selector
from suite.yaml.mark import Mark

Verb = Literal["replace", "insert", "remove", "set"]
NEUTRAL_KEYS = frozenset({"title", "paper", "base", "depth", "width", "expect"})


@dataclass(frozen=True, slots=True)
class Reference:
    """Another variant's name, and where it is written."""

    name: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Change:
    """What `with` or `to` says of a layer; None and missing options leave the layer's own."""

    block: str = ""
    out: int | None = None
    repeat: int | None = None
    stride: int | None = None
    options: Mapping[str, Option] = field(default_factory=dict)
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One line of `edits`. `layers` are what `insert` puts in; `change` is what `replace` and `set` make of a layer."""

    verb: Verb
    select: Selector
    mark: Mark
    change: Change = field(default_factory=Change)
    layers: tuple[Layer, ...] = ()
    before: bool = False
    keep_tag: bool = False


@dataclass(frozen=True, slots=True)
class Anchors:
    """One flat list of widths and heights in pixels a level, and where they are written."""

    levels: tuple[tuple[float, ...], ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class SpecFile:
    """A decoded file. None: the key is not in it, so the base's holds."""

    name: str
    mark: Mark
    keys: Mapping[str, Mark]
    title: str = ""
    paper: str = ""
    base: Reference | None = None
    depth: float = 1
    width: float = 1
    match: Match | None = None
    parts: Mapping[Part, tuple[Layer, ...] | Reference] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    schedules: tuple[tuple[Schedule, Mark], ...] | None = None
    freeze: tuple[str, ...] | None = None
    recipe: str | None = None
    control: str | None = None
    activation: str | None = None
    norm: Norm | None = None
    anchors: Anchors | None = None
    loss: Loss | None = None
    assigner: Assigner | None = None
    nms: Suppression | None = None
    weights: str | None = None  # an absolute path, "" for none
    blocks: tuple[BlockFile, ...] = ()
    expect: Expect = field(default_factory=Expect)

    @property
    def only_scales(self) -> bool:
        """Whether it says nothing but another size of its base."""
        return self.base is not None and set(self.keys) <= NEUTRAL_KEYS

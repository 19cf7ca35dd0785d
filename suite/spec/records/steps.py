"""The records of edits, as they are written and as the editor carries them out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from suite.spec.records.variant import Layer, Option, Selector
from suite.yaml.mark import Mark
from suite.yaml.rules import needed, setting

Verb = Literal["replace", "insert", "remove", "set"]


@dataclass(frozen=True, slots=True)
class Change:
    """What `with` or `to` says of a layer; None, "" and missing options leave the layer's own.

    `inputs` are new ones, or new tags by the old ones in whose place they are read.
    """

    block: str = ""
    out: int | None = None
    repeat: int | None = None
    stride: int | None = None
    tag: str = ""
    inputs: tuple[str, ...] | Mapping[str, str] = ()
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


@dataclass(frozen=True)
class Replacing:
    """`replace: SELECTOR, with: BLOCK`."""

    select: Selector = needed(
        "the layers, or convolutions, that it changes", key="replace", form="selector"
    )
    change: Change = needed("the block that takes their place", key="with", form="with")


@dataclass(frozen=True)
class Inserting:
    """`insert: LAYERS, before: SELECTOR` or `after: SELECTOR`."""

    layers: tuple[Layer, ...] = needed(
        "a layer, or a list of layers", key="insert", form="inserted"
    )
    before: Selector | None = setting(None, "the layers that they come before", form="selector")
    after: Selector | None = setting(None, "the layers that they come after", form="selector")
    keep_tag: bool = setting(False, "the tag stays with the layer that they come after")


@dataclass(frozen=True)
class Removing:
    """`remove: SELECTOR`."""

    select: Selector = needed("the layers that it takes out", key="remove", form="selector")


@dataclass(frozen=True)
class Setting:
    """`set: SELECTOR, to: OPTIONS`."""

    select: Selector = needed("the layers that it changes", key="set", form="selector")
    change: Change = needed("their new numbers and options", key="to", form="to")


EDITS: Mapping[Verb, type[Any]] = {
    "replace": Replacing,
    "insert": Inserting,
    "remove": Removing,
    "set": Setting,
}

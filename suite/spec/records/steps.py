"""The records of lines and edits, as they are written and as the editor carries them out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from suite.spec.records.variant import Layer, Option, Selector
from suite.spec.records.vocabulary import MAX_OUT, MAX_REPEAT, MAX_STRIDE
from suite.yaml.mark import Mark
from suite.yaml.rules import needed, setting

Verb = Literal["replace", "insert", "remove", "set"]


@dataclass(frozen=True)
class Numbers:
    """What every block may be told by a line, or by a change of one: its address and numbers."""

    block: str = setting("", "the address of the block, such as `c3.C3`", name=True)
    out: int | None = setting(
        None,
        "channels out; a block that decides them itself takes no `out`",
        low=1, high=MAX_OUT,
    )  # fmt: skip
    repeat: int | None = setting(
        None,
        "handed to a block that takes it, such as C3; otherwise that many copies are stacked, "
        "stride and change of channels in the first",
        low=1, high=MAX_REPEAT,
    )  # fmt: skip
    stride: int | None = setting(None, "for the blocks that take one", low=1, high=MAX_STRIDE)


@dataclass(frozen=True)
class Line(Numbers):
    """A line of a part as it is written, without the options of its block."""

    tag: str = setting(
        "",
        "a name for the output; the base files tag `p2` … `p5` and the outputs of the neck",
        name=True,
    )
    tags: Mapping[str, int] | None = setting(
        None, "`{p3: 1, p4: 2}` names outputs of a block that has several", form="tags"
    )
    inputs: tuple[str, ...] = setting(
        ("last",),
        "tags, or `last` for the line above (the default); several are concatenated on channels, "
        "or handed over as a list to a block that takes several maps",
        several=True, members="an input", name=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Replacement(Numbers):
    """What `with` may say beside options."""

    inputs: tuple[str, ...] = setting(
        (), "what it reads in the place of what it read",
        several=True, members="an input", name=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Rewrite(Numbers):
    """What `to` may say beside options."""

    tag: str = setting("", "a name for an output that has none", name=True)
    inputs: tuple[str, ...] | Mapping[str, str] = setting(
        (),
        "what the layers read in the place of what they read, or `{n4: x4}`: who reads n4 reads x4",
        form="inputs",
    )  # fmt: skip


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

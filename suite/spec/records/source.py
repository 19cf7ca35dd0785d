"""The frozen records that one file becomes before its base is known: names are checked, references are not.

What the fields say of their keys is the language: the decoder, the JSON Schema and the tables of keys go by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.spec.records.blockfile import BlockFile
from suite.spec.records.cost import Match
from suite.spec.records.objective import Assigner, Loss, Suppression
from suite.spec.records.steps import Edit
from suite.spec.records.variant import PARTS, Expect, Layer, Norm, Part, Schedule
from suite.spec.records.vocabulary import ACTIVATIONS, CONTROLS, MAX_FACTOR
from suite.yaml.mark import Mark
from suite.yaml.rules import setting

NEUTRAL_KEYS = frozenset({"title", "paper", "base", "depth", "width", "expect"})


@dataclass(frozen=True, slots=True)
class Reference:
    """Another variant's name, and where it is written."""

    name: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Anchors:
    """One flat list of widths and heights in pixels a level, and where they are written."""

    levels: tuple[tuple[float, ...], ...]
    mark: Mark


Layers = tuple[Layer, ...] | Reference


@dataclass(frozen=True, slots=True)
class SpecFile:
    """A decoded file. None: the key is not in it, so the base's holds."""

    name: str
    mark: Mark
    keys: Mapping[str, Mark]
    title: str = setting(
        "",
        "one line that a reader of the report understands; the name, where it is absent",
        column="no",
    )
    paper: str = setting("", "where the idea is from", column="no")
    base: Reference | None = setting(
        None,
        "the variant this one starts from; without it the file has all three parts",
        form="reference", column="no",
    )  # fmt: skip
    depth: float = setting(
        1,
        "factor on the base's repeats",
        high=MAX_FACTOR, above=True, as_written=True, column="no",
    )  # fmt: skip
    width: float = setting(
        1,
        "factor on the base's channels",
        high=MAX_FACTOR, above=True, as_written=True, column="no",
    )  # fmt: skip
    match: Match | None = setting(
        None, "the variant whose cost the base's width has to meet", column="no"
    )
    backbone: Layers | None = setting(
        None, "a list of layers, or `{of: VARIANT}`", form="backbone", column="yes"
    )
    neck: Layers | None = setting(
        None, "a list of layers, or `{of: VARIANT}`", form="neck", column="yes"
    )
    head: Layers | None = setting(
        None, "a list of one layer, a head, or `{of: VARIANT}`", form="head", column="yes"
    )
    activation: str | None = setting(
        None, "the activation of all blocks that leave it open", choices=ACTIVATIONS, column="yes"
    )
    norm: Norm | None = setting(
        None, "the norm of all blocks that leave it open", shorthand="kind", column="yes"
    )
    anchors: Anchors | None = setting(
        None,
        "the head's anchors: widths and heights in pixels, one flat list a map that it reads",
        form="anchors", column="with the head",
    )  # fmt: skip
    loss: Loss | None = setting(None, "what the network is trained towards", column="yes")
    assigner: Assigner | None = setting(
        None, "which predictions answer for which object", shorthand="name", column="yes"
    )
    nms: Suppression | None = setting(
        None,
        "the variant's own suppression of double detections",
        shorthand="kind", column="yes",
    )  # fmt: skip
    edits: tuple[Edit, ...] = setting(
        (),
        "changes of layers and convolutions, in order",
        form="edits", column="no; what they did is",
    )  # fmt: skip
    schedules: tuple[tuple[Schedule, Mark], ...] | None = setting(
        None,
        "attributes that change while training",
        members="a schedule", column="yes, with their block",
    )  # fmt: skip
    freeze: tuple[str, ...] | None = setting(
        None, "parts, or stages of them, that are not trained", form="freeze", column="yes"
    )
    weights: str | None = setting(  # an absolute path, "" for none
        None,
        "the file that training starts from, relative to this one, or `scratch`",
        form="weights", column="yes",
    )  # fmt: skip
    blocks: tuple[BlockFile, ...] = setting(
        (), "your own Python files with blocks, relative to this one", form="blocks", column="yes"
    )
    recipe: str | None = setting(
        None,
        "the recipe without which the variant's accuracy cannot be judged",
        name=True, column="yes",
    )  # fmt: skip
    control: str | None = setting(
        None, "`broken`: shipped to be found broken", choices=CONTROLS, column="yes"
    )
    expect: Expect = setting(
        Expect(),
        "what is promised of the network; of a design, by its variants' names",
        form="expect", column="no",
    )  # fmt: skip
    parts: Mapping[Part, Layers] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        stated = {part: getattr(self, part) for part in PARTS}
        parts = {part: layers for part, layers in stated.items() if layers is not None}
        object.__setattr__(self, "parts", parts)

    @property
    def only_scales(self) -> bool:
        """Whether it says nothing but another size of its base."""
        return self.base is not None and set(self.keys) <= NEUTRAL_KEYS

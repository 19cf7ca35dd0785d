"""The frozen records that a variant file becomes. After `resolve` every number in them is final."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from suite.record import Json, digest
from suite.spec.records.blockfile import BlockFile
from suite.spec.records.cost import Match, match_json
from suite.spec.records.ladder import Rung
from suite.spec.records.objective import Assigner, Loss, Suppression, stated
from suite.spec.records.vocabulary import (
    ACROSS,
    MAX_GROUPS,
    MAX_SELECTED,
    NORMS,
)
from suite.yaml.mark import Mark
from suite.yaml.rules import needed, setting

Part = Literal["backbone", "neck", "head"]
PARTS: tuple[Part, ...] = ("backbone", "neck", "head")
Option: TypeAlias = Json


@dataclass(frozen=True, slots=True)
class Layer:
    """One line of a part.

    `out` is None where the block itself decides its channels; `stride` is None where the block's default holds;
    `inputs` are tags, or "last" for the line above. `tags` maps a tag to the index of the output it names
    (0 for a block with one output). `options` are the block's own keyword arguments.

    `role` says which layer this is, whatever is done around it: it is given where the layer is first written and goes
    with it through scaling, edits and inheritance (`suite.spec.solve.roles`). Weights are handed on by it. `row` is
    that of an imported file, and which of its copies where a row became several lines; it is no part of the network.
    """

    block: str
    part: Part
    out: int | None = None
    repeat: int = 1
    stride: int | None = None
    inputs: tuple[str, ...] = ("last",)
    tags: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    mark: Mark | None = field(default=None, compare=False)
    role: str = field(default="", compare=False)
    row: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Selector:
    """And-ed conditions on convolutions; an empty tuple means any; `count` pins the number of matches."""

    part: tuple[str, ...] = setting(
        (), "the layers of `backbone`, `neck` or `head`", several=True, choices=PARTS
    )
    tag: tuple[str, ...] = setting((), "the layer with that tag", several=True, name=True)
    stage: tuple[int, ...] = setting(
        (),
        "the layers whose output has that stride, in pixels",
        several=True, low=1, high=MAX_SELECTED,
    )  # fmt: skip
    block: tuple[str, ...] = setting(
        (),
        "the layers of that block; a glob such as `'c3.*'`",
        several=True, members="`block`", form="pattern",
    )  # fmt: skip
    kernel: tuple[int, ...] = setting(
        (), "that number of the layer, or of the convolution",
        several=True, low=1, high=MAX_SELECTED,
    )  # fmt: skip
    stride: tuple[int, ...] = setting((), "likewise", several=True, low=1, high=MAX_SELECTED)
    groups: tuple[int, ...] = setting((), "likewise", several=True, low=1, high=MAX_SELECTED)
    path: tuple[str, ...] = setting(
        (), "the address, such as `backbone.3`; a glob", several=True, name=True
    )
    count: int | None = setting(
        None, "no condition: the number of matches, pinned", low=1, high=MAX_SELECTED
    )


@dataclass(frozen=True, slots=True)
class ConvEdit:
    """Replace the convolutions inside blocks that `select` matches by `operator`; carried out at build."""

    select: Selector
    operator: str
    options: Mapping[str, Option] = field(default_factory=dict)
    mark: Mark | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Schedule:
    """An attribute of every `block` goes linearly from `start` to `end` over the first `over` of the run.

    Across "blocks", with an `over` of 0, the values that it goes to are there at once.
    """

    block: str = needed("the block whose attribute changes, in every layer of it", form="address")
    attribute: str = needed(
        "the attribute; `drop_path` is the rate of stochastic depth of all branches in the block",
        key="set", name=True,
    )  # fmt: skip
    start: float = needed("its value at first", key="from", low=-MAX_SELECTED, high=MAX_SELECTED)
    end: float = needed("its value in the end", key="to", low=-MAX_SELECTED, high=MAX_SELECTED)
    over: float = setting(
        0.0,
        "the share of the run over which it changes, from the first step on",
        called="`over`, a share of the run,", high=1, above=True, unless="across",
    )  # fmt: skip
    across: str = setting(
        "",
        "`blocks`: only the last block goes to `to`, the others to values evenly spaced on the way",
        choices=ACROSS,
    )


@dataclass(frozen=True, slots=True)
class Norm:
    """The norm of all blocks that leave it open; `groups` are those of "group", 0 for groups of 16 channels."""

    kind: str = setting(
        "batch", "over what it normalises", called="`norm`", must=True, choices=NORMS
    )
    groups: int = setting(
        0, "the number of groups, in the place of groups of 16 channels", low=1, high=MAX_GROUPS
    )


@dataclass(frozen=True, slots=True)
class Expect:
    """What the file promises of the network: 80 classes, 640 x 640, as trained. None: not promised."""

    strides: tuple[int, ...] | None = setting(
        None,
        "the strides of the maps that the head reads, in pixels",
        several=True, low=1, high=MAX_SELECTED,
    )  # fmt: skip
    params: int | None = setting(None, "parameters", low=1, high=10**12)
    gmacs: float | None = setting(None, "multiply-adds in 10⁹", high=10**9, as_written=True)
    mark: Mark | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Variant:
    """A network, completely described.

    `baseline` is the variant that deltas refer to: the base, or "" where the file is another size of its base and
    so is a baseline itself (a size that is called `<base>_<change>` is a modification). `recipe` marks one
    that is comparable only where all are trained with the recipe of that name; `control` marks a variant
    shipped to be broken, such as "broken". `activation` takes the place of YOLOv5's in all blocks that leave it open;
    "" is YOLOv5's own; so does `norm`. `weights` is the absolute path of the file that training starts from, "" for
    none: it says nothing of the network, so it is no part of the architecture. `blocks` are the user's own block files.
    A `match` without a solution leaves the width open: such a variant is not final, and what builds it refuses it
    (`suite.match.solved` makes it final). `rung` is its place on a ladder, and says nothing of the network either.
    """

    name: str
    title: str
    layers: tuple[Layer, ...]  # backbone, neck, head, in the order they run
    base: str = ""
    baseline: str = ""
    paper: str = ""
    conv_edits: tuple[ConvEdit, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    freeze: tuple[str, ...] = ()  # parts, or a part and a stride: "backbone 8"
    recipe: str = ""
    control: str = ""
    activation: str = ""
    norm: Norm = Norm()
    loss: Loss = field(default_factory=Loss)
    assigner: Assigner = field(default_factory=Assigner)
    nms: Suppression = field(default_factory=Suppression)
    weights: str = ""
    blocks: tuple[BlockFile, ...] = ()
    match: Match | None = None
    rung: Rung | None = None
    expect: Expect = field(default_factory=Expect)
    mark: Mark | None = field(default=None, compare=False)

    def part(self, part: Part) -> tuple[Layer, ...]:
        """The layers of one part, in order."""
        return tuple(layer for layer in self.layers if layer.part == part)

    @property
    def used_blocks(self) -> tuple[BlockFile, ...]:
        """Those of the user's block files that the network is made of."""
        addresses = (
            *(layer.block for layer in self.layers),
            *(edit.operator for edit in self.conv_edits),
        )
        stems = {address.partition(".")[0] for address in addresses} if self.blocks else set()
        return tuple(file for file in self.blocks if file.stem in stems)

    @property
    def architecture(self) -> dict[str, Json]:
        """All that decides what is built and trained, as plain JSON; title, paper, base and marks are left out.

        What is YOLOv5's own is left out too, so that writing it out makes no other network.
        """
        facts: dict[str, Json] = {
            "layers": [_layer_json(layer) for layer in self.layers],
            "conv_edits": [_edit_json(edit) for edit in self.conv_edits],
            "schedules": [_schedule_json(schedule) for schedule in self.schedules],
            "freeze": list(self.freeze),
        }
        departures: dict[str, Json] = {
            "recipe": self.recipe,
            "activation": self.activation,
            "norm": [self.norm.kind, self.norm.groups] if self.norm != Norm() else None,
            "blocks": {file.stem: file.digest for file in self.used_blocks},
            "match": match_json(self.match) if self.match else None,
            "loss": stated(self.loss),
            "assigner": stated(self.assigner),
            "nms": stated(self.nms),
        }
        return facts | {key: value for key, value in departures.items() if value}

    @property
    def fingerprint(self) -> str:
        """Hash of the resolved architecture: equal for two files that describe one network."""
        return digest(self.architecture)


def _schedule_json(s: Schedule) -> Json:
    return [s.block, s.attribute, s.start, s.end, s.over, *([s.across] if s.across else [])]


def _layer_json(layer: Layer) -> Json:
    return {
        "block": layer.block,
        "part": layer.part,
        "out": layer.out,
        "repeat": layer.repeat,
        "stride": layer.stride,
        "inputs": list(layer.inputs),
        "tags": dict(layer.tags),
        "options": dict(layer.options),
    }


def _edit_json(edit: ConvEdit) -> Json:
    select = edit.select
    return {
        "part": list(select.part),
        "tag": list(select.tag),
        "stage": list(select.stage),
        "block": list(select.block),
        "kernel": list(select.kernel),
        "stride": list(select.stride),
        "groups": list(select.groups),
        "path": list(select.path),
        "operator": edit.operator,
        "options": dict(edit.options),
    }

"""The records of lines, and of what edits make of them: keys of the language, without the options of blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

from suite.spec.records.vocabulary import MAX_OUT, MAX_REPEAT, MAX_ROW, MAX_STRIDE
from suite.yaml.rules import setting


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
    row: tuple[int, ...] = setting(
        (),
        "of an imported network: its row in YOLOv5's model file, by which its own weights are found; of a row that "
        "became several lines, which of them too: `[7, 1]`",
        several=True, high=MAX_ROW,
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

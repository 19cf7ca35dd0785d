"""YOLOv5's own model files: rows `[from, number, module, args]` and a few numbers. Nothing in them is evaluated.

A row is numbered over backbone and head together; `from` is a row's number, or counts back from the row itself where
it is negative. `number` and channels are multiplied by `depth_multiple` and `width_multiple`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from suite.record import Json
from suite.spec.records.vocabulary import MAX_FACTOR, MAX_OUT, MAX_REPEAT
from suite.yaml.document import Items, Node, Scalar, Table, plain
from suite.yaml.errors import quote, suggest
from suite.yaml.mark import Mark
from suite.yaml.reader import Reader

KEYS = (
    "nc",
    "ch",
    "depth_multiple",
    "width_multiple",
    "channel_multiple",
    "anchors",
    "activation",
    "inplace",
    "loss",
    "backbone",
    "head",
)
MAX_ROWS = 1000
IMAGE = -1  # what the first row reads
COLOURS = 3
DIVISOR = 8
ACTIVATIONS = {
    "nn.ELU()": "elu",
    "nn.GELU()": "gelu",
    "nn.Hardswish()": "hardswish",
    "nn.LeakyReLU(0.1)": "leaky_relu",
    "nn.Mish()": "mish",
    "nn.ReLU()": "relu",
    "nn.ReLU6()": "relu6",
    "nn.SiLU()": "silu",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line; `sources` are the rows that it reads, in order, IMAGE for the picture; `number` is multiplied."""

    index: int
    in_backbone: bool
    sources: tuple[int, ...]
    number: int
    module: str
    args: tuple[Node, ...]
    mark: Mark
    module_mark: Mark


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A whole file. `activation` "" is YOLOv5's own; `loss` is what a fork of it trains by, "" where none is named."""

    rows: tuple[Row, ...]
    classes: int
    width: float
    divisor: int
    activation: str
    anchors: Node
    mark: Mark
    loss: str = ""

    def channels(self, value: int, per_level: int) -> int:
        """Channels as YOLOv5 multiplies them: up to a multiple; the width of a read-out it leaves alone."""
        if value == self.read_out(per_level):
            return value
        return math.ceil(value * self.width / self.divisor) * self.divisor

    def read_out(self, per_level: int) -> int:
        """The channels of the head's own convolutions."""
        return per_level * (5 + self.classes)


def read_model(root: Node, reader: Reader) -> ModelFile | None:
    """The file of a tree; what is wrong is added to the reader's problems."""
    table = reader.table(root, "a model file")
    if table is None:
        return None
    lacking = [key for key in ("backbone", "head", "anchors") if key not in table.entries]
    if lacking:
        names = ", ".join(f"`{key}`" for key in lacking)
        reader.problems.add(table.mark, "E103", f"a YOLOv5 model file needs {names}", "is it one?")
        return None
    reader.table(root, "a model file", KEYS)
    depth = _factor(table, "depth_multiple", reader)
    rows = _rows(table, depth, reader)
    if "ch" in table.entries:
        reader.whole(
            table.entries["ch"], "`ch`, the channels of a picture,", low=COLOURS, high=COLOURS
        )
    return ModelFile(
        rows=rows,
        classes=_whole(table, "nc", 80, reader),
        width=_factor(table, "width_multiple", reader),
        divisor=_whole(table, "channel_multiple", DIVISOR, reader),
        activation=_activation(table.entries.get("activation"), reader),
        anchors=table.entries["anchors"],
        mark=table.mark,
        loss=_loss(table.entries.get("loss"), reader),
    )


def _loss(node: Node | None, reader: Reader) -> str:
    return "" if node is None else reader.word(node, "`loss`") or ""


def value_of(node: Node) -> Json:
    """An argument's value; YOLOv5's files write Python's None."""
    return None if isinstance(node, Scalar) and node.value == "None" else plain(node)


def _factor(table: Table, key: str, reader: Reader) -> float:
    if key not in table.entries:
        return 1.0
    return reader.number(table.entries[key], f"`{key}`", low=0, high=MAX_FACTOR, above=True) or 1.0


def _whole(table: Table, key: str, default: int, reader: Reader) -> int:
    if key not in table.entries:
        return default
    return reader.whole(table.entries[key], f"`{key}`", low=1, high=MAX_OUT) or default


def _activation(node: Node | None, reader: Reader) -> str:
    """By table, and never by evaluation; `inplace` changes no value."""
    word = reader.word(node, "`activation`") if node else None
    if node is None or word is None:
        return ""
    bare = word.replace(" ", "").replace("torch.", "")
    for inplace in (",inplace=True", "inplace=True"):
        bare = bare.replace(inplace, "")
    if bare not in ACTIVATIONS:
        reader.problems.add(
            node.mark, "E101", f"no activation {quote(word)} here", suggest(bare, ACTIVATIONS)
        )
        return ""
    return ACTIVATIONS[bare]


def _rows(table: Table, depth: float, reader: Reader) -> tuple[Row, ...]:
    rows: list[Row | None] = []
    for part in ("backbone", "head"):
        lines = reader.items(table.entries[part], f"`{part}`")
        if not lines:
            reader.problems.add(table.keys[part], "E103", f"`{part}` has no rows")
        for line in lines[: MAX_ROWS + 1]:
            rows.append(_row(line, len(rows), depth, reader, in_backbone=part == "backbone"))
    if len(rows) > MAX_ROWS:
        reader.problems.add(table.mark, "E005", f"more than {MAX_ROWS} rows")
    return tuple(row for row in rows if row)


def _row(node: Node, index: int, depth: float, reader: Reader, *, in_backbone: bool) -> Row | None:
    what = f"row {index}"
    if not isinstance(node, Items):
        reader.wrong(node, f"{what} is a list [from, number, module, args]")
        return None
    if len(node.items) != 4:
        message = f"{what} has {len(node.items)} members; a row is [from, number, module, args]"
        reader.problems.add(node.mark, "E103", message)
        return None
    origin, number, module, args = node.items
    sources = _sources(origin, index, reader, _before_v3(module))
    times = reader.whole(number, f"the number of {what}", low=1, high=MAX_REPEAT)
    word = reader.word(module, f"the module of {what}")
    values = reader.items(args, f"the args of {what}")
    if times is None or word is None or not sources:
        return None
    scaled = max(round(times * depth), 1) if times > 1 else times
    if not reader.within(number.mark, f"the number of {what}, multiplied,", scaled, 1, MAX_REPEAT):
        return None
    return Row(index, in_backbone, sources, scaled, word, tuple(values), node.mark, module.mark)


def _before_v3(module: Node) -> str:
    """What to do about a head that reads no row, as in files of v1 and v2."""
    if not isinstance(module, Scalar) or module.value != "Detect":
        return ""
    return (
        "before v3.0 the read-outs of the head were rows, nn.Conv2d; leave these out and let Detect read what they "
        "read, such as [[17, 20, 23], 1, Detect, [nc, anchors]]"
    )


def _sources(node: Node, index: int, reader: Reader, hint: str) -> tuple[int, ...]:
    """The rows that a row reads; empty if that has been reported, with a `hint` where it reads none."""
    rows: list[int] = []
    for item in reader.several(node):
        row = _source(item, index, reader)
        if row is None:
            return ()
        rows.append(row)
    if not rows:
        reader.problems.add(node.mark, "E103", f"row {index} reads nothing", hint)
    return tuple(rows)


def _source(node: Node, index: int, reader: Reader) -> int | None:
    """One of the rows that row `index` reads; None if it has been reported."""
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, int) or isinstance(value, bool):
        reader.wrong(node, f"`from` of row {index} is a row's number")
        return None
    row = value if value >= 0 else index + value
    if 0 <= row < index or (index == 0 and value == IMAGE):
        return row
    hint = f"it can read the rows 0 to {index - 1}" if index else "it reads the image: -1"
    reader.problems.add(node.mark, "E206", f"row {index} cannot read from {value}", hint)
    return None


def readers_of(rows: Sequence[Row]) -> dict[int, list[Row]]:
    """Which rows read each row."""
    readers: dict[int, list[Row]] = {row.index: [] for row in rows}
    for row in rows:
        for source in row.sources:
            if source in readers:
                readers[source].append(row)
    return readers

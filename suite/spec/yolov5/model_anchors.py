"""The anchors of YOLOv5's model files: lists of pixels, or a number of placeholders a level."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from suite.record import Json
from suite.spec.records.variant import Layer
from suite.spec.solve.anchors import (
    MAX_PER_LEVEL,
    PLACEHOLDERS,
    against_strides,
    complaint,
    sizes_of,
)
from suite.spec.yolov5.model_file import ModelFile, Row
from suite.spec.yolov5.tables import HEADS
from suite.yaml.document import Items, Node, Scalar
from suite.yaml.reader import Reader

TURNED = "the anchors do not go by the strides: turned round, as YOLOv5 does it"
MAX_PIXELS = 1_000_000
Levels = list[list[Json]]


@dataclass(frozen=True, slots=True)
class ReadAnchors:
    """The head's option `anchors`, None where something was wrong and has been reported, and warnings."""

    option: Json = None
    warnings: tuple[str, ...] = ()


def anchors_a_level(model: ModelFile) -> int:
    """How many anchors each level has by the file's own key; 0 where it does not say so soundly."""
    node = model.anchors
    if isinstance(node, Items) and node.items and isinstance(node.items[0], Items):
        return len(node.items[0].items) // 2
    return node.value if isinstance(node, Scalar) and isinstance(node.value, int) else 0


def read_anchors(
    model: ModelFile, row: Row, strides: Sequence[float], reader: Reader
) -> ReadAnchors:
    """Widths and heights for every level that the head's `row` reads, and what is to be known of them.

    Args:
        model: the file, whose `anchors` the row may mean.
        row: the head's, with its anchors as the second argument.
        strides: of the maps that it reads, in pixels.
        reader: gets what is wrong.

    Returns:
        A list of widths and heights in pixels a level, in the order that YOLOv5 has them: turned round where the first
        and the last do not go by the strides. Of placeholders their number a level.
    """
    node = row.args[1]
    if isinstance(node, Scalar) and node.value == "anchors":
        node = model.anchors
    if isinstance(node, Scalar):
        return _placeholders(node, reader)
    levels = [_level(level, reader) for level in reader.items(node, "`anchors`")]
    if not _fit(levels, strides, row, node, reader):
        return ReadAnchors()
    turned = (_area(levels[-1]) - _area(levels[0])) * (strides[-1] - strides[0]) < 0
    ordered: Levels = [list(level) for level in (levels[::-1] if turned else levels)]
    head = Layer(HEADS[row.module], "head", options={"anchors": list[Json](ordered)})
    message, hint = complaint(head)
    if message:
        reader.problems.add(node.mark, "E202", message, hint)
        return ReadAnchors()
    warnings = [TURNED] if turned else []
    warnings += [f"{said}; {mend}" for said, mend in against_strides(sizes_of(head), strides)]
    return ReadAnchors(list[Json](ordered), tuple(warnings))


def _placeholders(node: Scalar, reader: Reader) -> ReadAnchors:
    """So many a level, which are no sizes."""
    count = reader.whole(node, "the number of anchors a level", low=1, high=MAX_PER_LEVEL)
    if count is None:
        return ReadAnchors()
    warning = (
        f"{count} anchors a level are {PLACEHOLDERS}: --anchors-from DATA finds sizes, "
        "--anchors-from published takes YOLOv5's"
    )
    return ReadAnchors(count, (warning,))


def _fit(
    levels: Sequence[Sequence[float]],
    strides: Sequence[float],
    row: Row,
    node: Node,
    reader: Reader,
) -> bool:
    """Whether there is a list of pairs for every map; reported if not."""
    if len(levels) != len(strides):
        message = (
            f"row {row.index} reads {len(strides)} maps, "
            f"but there are {len(levels)} lists of anchors"
        )
        reader.problems.add(row.mark, "E202", message)
        return False
    if len({len(level) for level in levels}) != 1 or not levels[0] or len(levels[0]) % 2:
        message = "anchors are lists of one length, each of width, height pairs in pixels"
        reader.problems.add(node.mark, "E202", message)
        return False
    return True


def _area(level: Sequence[float]) -> float:
    """The areas of a level's anchors together, in pixels."""
    return math.fsum(w * h for w, h in zip(level[::2], level[1::2], strict=True))


def _level(node: Node, reader: Reader) -> list[float]:
    items = reader.items(node, "a level")
    numbers = (reader.number(item, "an anchor", low=0, high=MAX_PIXELS) for item in items)
    return [number for number in numbers if number is not None]

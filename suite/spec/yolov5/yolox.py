"""YOLOX's head, which public model files write as rows: a 1x1 a level, two branches behind it, `DetectX` at their ends.

`DetectX` reads the branches by turns, that of the classes and that of the boxes, level by level.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suite.spec.yolov5.model_file import ModelFile, Row, readers_of, value_of
from suite.spec.yolov5.tables import DETECT_X
from suite.yaml.document import Node, Scalar
from suite.yaml.reader import Reader

_HINT = (
    "a level is a 1x1 Conv and two 3x3 Convs that read it, all of one width, read by nothing else; otherwise let "
    "Detect read the maps before them, and write {block: decoupled.DecoupledHead} as the variant's head"
)


@dataclass(frozen=True, slots=True)
class YoloxRows:
    """The rows without those of the head's branches, so that the head reads what these read.

    `width` is the branches' channels before they are multiplied, `convs` how many 3x3 each has.
    """

    rows: tuple[Row, ...]
    width: Node
    convs: int


def read_yolox(model: ModelFile, reader: Reader) -> YoloxRows | None:
    """The rows of a file that ends with `DetectX`; None if its head is another, which is reported."""
    rows, head = model.rows, model.rows[-1]
    if not _has_no_anchors(model, head, reader):
        return None
    levels, complaint = _levels(rows)
    if complaint:
        reader.problems.add(
            head.mark, "E202", f"row {head.index}: {DETECT_X} reads {complaint}", _HINT
        )
        return None
    gone = {row.index for level in levels for row in level}
    sources = tuple(source for stem, *_ in levels for source in stem.sources)
    kept = (row for row in rows[:-1] if row.index not in gone)
    stem, branch, _ = levels[0]
    return YoloxRows((*kept, replace(head, sources=sources)), stem.args[0], branch.number)


def _levels(rows: Sequence[Row]) -> tuple[list[tuple[Row, Row, Row]], str]:
    """The stem and the two branches of each level, and what is wrong, "" if nothing is."""
    head, readers = rows[-1], readers_of(rows)
    levels: list[tuple[Row, Row, Row]] = []
    if len(head.sources) % 2:
        return levels, f"two rows a level, not {len(head.sources)}"
    for first, second in zip(head.sources[::2], head.sources[1::2], strict=True):
        stem = next((row for row in rows if row.index in rows[first].sources), None)
        branches = (rows[first], rows[second])
        if stem is None or not _is_level(stem, branches, readers, head):
            return levels, f"the rows {first} and {second}, which are no level of it"
        levels.append((stem, *branches))
    widths = {value_of(row.args[0]) for level in levels for row in level}
    counts = {branch.number for _, *branches in levels for branch in branches}
    differ = len(widths) > 1 or len(counts) > 1
    return levels, "branches that differ in width or number" if differ else ""


def _has_no_anchors(model: ModelFile, head: Row, reader: Reader) -> bool:
    """Whether the file says one prediction a cell; reported if not."""
    node = head.args[1] if len(head.args) == 2 else model.anchors
    if isinstance(node, Scalar) and node.value == "anchors":
        node = model.anchors
    if isinstance(node, Scalar) and node.value == 1 and not isinstance(node.value, bool):
        return True
    message = f"row {head.index}: {DETECT_X} has no anchors but one prediction a cell"
    reader.problems.add(node.mark, "E202", message, "write `anchors: 1`")
    return False


def _is_level(
    stem: Row, branches: Sequence[Row], readers: Mapping[int, Sequence[Row]], head: Row
) -> bool:
    """Whether two rows are the branches behind a stem, and nothing else reads the three."""
    behind = all(row.sources == (stem.index,) and _is_conv(row, 3) for row in branches)
    alone = all([reader.index for reader in readers[row.index]] == [head.index] for row in branches)
    together = [reader.index for reader in readers[stem.index]] == sorted(
        row.index for row in branches
    )
    single = stem.number == 1 and len(stem.sources) == 1 and _is_conv(stem, 1)
    return behind and alone and together and single


def _is_conv(row: Row, kernel: int) -> bool:
    """Whether the row is a plain convolution of that kernel and stride 1."""
    stated = [value_of(node) for node in row.args[1:]]
    plain = [kernel, 1]
    sizes = stated == plain[: len(stated)] and (kernel == 1 or bool(stated))
    return row.module == "Conv" and bool(row.args) and sizes

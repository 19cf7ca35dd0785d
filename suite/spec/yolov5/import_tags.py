"""Tags for imported lines: p4 is the backbone's last map of stride 16, n4 goes to the head, t4 is read on the way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from suite.spec.records.variant import Layer

# of the backbone's maps, those of stride 4 and more are always tagged, as in the suite's own files
FIRST_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A layer without names: the lines that it reads by number (-1 is the image), its row, and its output's stride."""

    layer: Layer
    reads: tuple[int, ...]
    row: int
    stride: float


def tagged(lines: Sequence[Line], head: Layer, head_reads: Sequence[int]) -> tuple[Layer, ...]:
    """All layers, with a tag for every output that is not read by the line after it alone; the head's last."""
    tags = _tags(lines, head_reads)
    layers: list[Layer] = []
    for number, line in enumerate(lines):
        inputs = tuple("last" if read == number - 1 else tags[read] for read in line.reads)
        output = {tags[number]: 0} if number in tags else {}
        layers.append(replace(line.layer, inputs=inputs, tags=output))
    return (*layers, replace(head, inputs=tuple(tags[read] for read in head_reads)))


def _tags(lines: Sequence[Line], head_reads: Sequence[int]) -> dict[int, str]:
    ends = _level_ends(lines)
    tags: dict[int, str] = {}
    for number in sorted(
        _read_from_afar(lines) | ends | {read for read in head_reads if read >= 0}
    ):
        line = lines[number]
        letter = "n" if number in head_reads else "t"
        if line.layer.part == "backbone":
            letter = "p" if number in ends else "b"
        level = _level(line.stride)
        name = f"{letter}_{line.row}" if level is None else f"{letter}{level}"
        tags[number] = f"{name}_{line.row}" if name in tags.values() else name
    return tags


def _read_from_afar(lines: Sequence[Line]) -> set[int]:
    """The lines that another than the next one reads."""
    numbers: set[int] = set()
    for number, line in enumerate(lines):
        numbers |= {read for read in line.reads if 0 <= read < number - 1}
    return numbers


def _level_ends(lines: Sequence[Line]) -> set[int]:
    """The backbone's last line of each stride that is always tagged."""
    last: dict[float, int] = {}
    for number, line in enumerate(lines):
        if line.layer.part == "backbone":
            last[line.stride] = number
    return {number for stride, number in last.items() if (_level(stride) or 0) >= FIRST_LEVEL}


def _level(stride: float) -> int | None:
    """The power of two that a stride is, None if it is none."""
    level = math.log2(stride)
    return int(level) if level.is_integer() else None

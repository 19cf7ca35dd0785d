"""Which layer a layer is, whatever stands around it: the names by which weights are handed on.

A part that a file writes out is cut into segments, each ending with a tagged line. A line's role is its part, its
segment's tag and its block: "backbone.p3.c3.C3". Where a segment has several lines of one block, none of them is the
other's equal, so the role says which of how many: "backbone.p5.conv.Conv.1of2". A role is given once, in the file
that writes the line, and goes with the layer ever after: scaling, edits around it and its replacement leave it alone.
A layer that an edit inserts is known by the layer it was inserted beside: "eca.ECA after backbone.p3.c3.C3".
"""

from collections import Counter
from collections.abc import Sequence

from suite.spec.records.variant import Layer

_LAST = "end"  # the segment of the lines behind the last tag


def with_roles(lines: Sequence[Layer]) -> tuple[Layer, ...]:
    """The lines of one part, as a file writes them, with their roles."""
    stems: list[str] = []
    segment = _LAST
    for line in reversed(lines):
        if line.tags:
            segment = "+".join(line.tags)
        stems.append(line.part if line.part == "head" else f"{line.part}.{segment}.{line.block}")
    roles = numbered(stems[::-1])
    return tuple(map(_with_role, lines, roles))


def _with_role(line: Layer, role: str) -> Layer:
    """The line with its role; written out, as `replace` takes twice the time and every line comes here."""
    return Layer(
        line.block,
        line.part,
        line.out,
        line.repeat,
        line.stride,
        line.inputs,
        line.tags,
        line.options,
        line.mark,
        role,
        line.row,
    )


def inserted_role(line: Layer, beside: Layer, *, before: bool) -> str:
    """The role of a layer that an edit puts before or after another."""
    return f"{line.block} {'before' if before else 'after'} {beside.role}"


def numbered(roles: Sequence[str]) -> tuple[str, ...]:
    """The roles, where several are equal with "1of2", "2of2" behind them: then none can be taken for another."""
    total = Counter(roles)
    seen: Counter[str] = Counter()
    distinct: list[str] = []
    for role in roles:
        seen[role] += 1
        distinct.append(role if total[role] == 1 else f"{role}.{seen[role]}of{total[role]}")
    return tuple(distinct)

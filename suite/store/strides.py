"""Beside the strides of a graph (`suite.store.records.STRIDES`): what the store reads back with the variant."""

from dataclasses import dataclass
from typing import NamedTuple

from suite.evidence import Evidence


class Replacement(NamedTuple):
    """A convolution, by its path, and the operator that an edit has put in its place."""

    path: str
    operator: str


@dataclass(frozen=True, slots=True)
class Strides(Evidence):
    """What makes the graph unlike its baseline's, in sentences; and the convolutions that edits replaced."""

    warnings: tuple[str, ...] | None = None
    replaced: tuple[Replacement, ...] | None = None

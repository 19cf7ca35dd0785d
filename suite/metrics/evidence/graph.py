"""Beside what the graph of a network decides: which parameters learn, and what each map sees."""

from collections.abc import Mapping
from dataclasses import dataclass

from suite.evidence import Evidence


@dataclass(frozen=True, slots=True)
class LiveParameters(Evidence):
    """Beside `params_live`: parameters that no gradient reaches, by their name, and those of each frozen entry."""

    dead: Mapping[str, int] | None = None
    frozen: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Tap(Evidence):
    """One map that a layer gives.

    Attributes:
        address: of the layer.
        tags: of the layer, if it has one output.
        stride: in pixels.
        pixels: side of the field over the paths that do not see the whole image; None where there is no such path.
        whole: the layer through which the map sees the whole image; None where it does not.
        head: whether the head reads the map.
    """

    address: str
    tags: tuple[str, ...]
    stride: int
    pixels: int | None
    whole: str | None
    head: bool


@dataclass(frozen=True, slots=True)
class ReceptiveFields(Evidence):
    """Beside `receptive_field`: every map that has a tag or that the head reads, in the order of the network."""

    taps: tuple[Tap, ...] | None = None

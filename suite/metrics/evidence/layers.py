"""Beside what a network costs: where in it the cost arises."""

from collections.abc import Mapping
from dataclasses import dataclass

from suite.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Shares(Evidence):
    """Beside `params`: the amount of each part ("backbone", "neck", "head"), and of each stage.

    A stage is a stride in pixels as text, or "head". The unit is the metric's.
    """

    by_part: Mapping[str, float] | None = None
    by_stage: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class LayerCost(Evidence):
    """One layer. `stride` and `out_channels` are None for the head, which has several of each.

    Attributes:
        address: such as "backbone.3".
        params: parameters.
        gmacs: multiply-adds, 10⁹.
        activations: numbers that convolutions and products write, 10⁶.
        hidden_gops: operations that no counter sees, 10⁹.
        intensity: floating-point operations a byte.
        field: side of the receptive field in pixels; None too where a layer sees the whole image.
    """

    address: str
    block: str
    stride: int | None
    out_channels: int | None
    params: int
    gmacs: float
    activations: float | None = None
    hidden_gops: float | None = None
    intensity: float | None = None
    field: int | None = None


@dataclass(frozen=True, slots=True)
class LayerCosts(Evidence):
    """Beside `gmacs`: shares of the multiply-adds (10⁹), and every layer in the order of the network."""

    by_part: Mapping[str, float] | None = None
    by_stage: Mapping[str, float] | None = None
    layers: tuple[LayerCost, ...] | None = None


@dataclass(frozen=True, slots=True)
class Activations(Evidence):
    """Beside `activations`: shares (10⁶), the outputs of all operators (10⁶), the counted ones' bytes in fp32."""

    by_part: Mapping[str, float] | None = None
    by_stage: Mapping[str, float] | None = None
    all_outputs: float | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class HiddenWork(Evidence):
    """Beside `hidden_gops`: shares, and the operations of each kind of work (`suite.metrics.cost.unseen`), all 10⁹."""

    by_part: Mapping[str, float] | None = None
    by_stage: Mapping[str, float] | None = None
    kinds: Mapping[str, float] | None = None

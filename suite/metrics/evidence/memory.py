"""Beside what a network moves and holds."""

from dataclasses import dataclass

from suite.evidence import Evidence


@dataclass(frozen=True, slots=True)
class MovedBytes(Evidence):
    """Beside `intensity`: bytes of weights, maps in and maps out of convolutions and matrix products, in fp32."""

    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class PeakMaps(Evidence):
    """Beside `peak_maps_mib`: the MiB that eager PyTorch holds at once, which frees later than it could."""

    eager: float | None = None


@dataclass(frozen=True, slots=True)
class WeightSizes(Evidence):
    """Beside `weights_mib`: MiB of the weights in each precision."""

    fp32: float | None = None
    fp16: float | None = None
    int8: float | None = None

"""The sections of the page: one module and one template each; the tuple states the order."""

from reports.section import Builder
from reports.sections import (
    comparison,
    cost,
    counters,
    data,
    detections,
    environment,
    failures,
    ladders,
    latency,
    tradeoffs,
    training,
    variants,
    verdicts,
)

ORDER: tuple[Builder, ...] = (
    verdicts,
    comparison,
    tradeoffs,
    ladders,
    cost,
    counters,
    latency,
    training,
    detections,
    variants,
    failures,
    data,
    environment,
)

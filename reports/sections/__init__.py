"""The sections of the page: one module and one template each; the tuple states the order."""

from reports.section import Builder
from reports.sections import (
    classes,
    comparison,
    cost,
    counters,
    data,
    detections,
    environment,
    errors,
    failures,
    ladders,
    latency,
    roofline,
    runtimes,
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
    runtimes,
    roofline,
    training,
    classes,
    errors,
    detections,
    variants,
    failures,
    data,
    environment,
)

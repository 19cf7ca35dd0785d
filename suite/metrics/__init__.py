"""What is measured: one file per question, each with its `METRICS` and the functions that answer. Light to import."""

import importlib

from suite.record import Metric

ORDER = (
    "cost.size",
    "cost.flops",
    "cost.complexity",
    "speed.latency",
    "speed.roof",
    "accuracy.detections",
)
"""The files, in the order in which their metrics are shown."""

TRAINING: tuple[Metric, ...] = (
    Metric("loss_curve", "training loss", "", "", 1, 3, "training"),
    Metric("train_seconds", "time to train", "s", "", 1, 1, "training"),
    Metric("train_steps", "steps trained", "", "", 1, 0, "training"),
)
"""What a training job says of itself.

`loss_curve` holds the total loss at the steps that its notes list, `train_steps` notes the budget and what was used.
"""


def definitions() -> tuple[Metric, ...]:
    """Every metric there is, in order. Never imports torch."""
    files = [importlib.import_module(f"suite.metrics.{name}") for name in ORDER]
    return (*(metric for file in files for metric in file.METRICS), *TRAINING)

"""From a decoded picture to boxes, step by step: each step timed apart, and all of them as one.

Suppression takes as long as the network's output has it do, so that noise and pictures, trained and
untrained weights are different questions. Decoding the picture file is left out: it is the camera's
or the disk's business.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from suite.datasets.images import Image, letterbox
from suite.metrics.speed.latency import noise
from suite.metrics.speed.rounds import Settings
from suite.nn.network import Detector
from suite.nn.sizes import require_image_size
from suite.nn.suppression import nms
from suite.runtimes import Session
from suite.runtimes.common.proof import open_proved
from suite.spec.records.objective import Suppression

PRE = "pre-processing"
FORWARD = "forward"
DECODE = "decode"
BOTH = "forward and decode"
NMS = "suppression"
END_TO_END = "end to end"
_WARM_ROUNDS = 3
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What suppression is told; `how` is the variant's own."""

    confidence: float = 0.25
    iou: float = 0.45
    most: int = 300
    how: Suppression | None = None


@dataclass(frozen=True, slots=True)
class Staged:
    """Milliseconds of every round by step, in the order of the steps, and boxes found in an image on average."""

    steps: Mapping[str, tuple[float, ...]]
    boxes: float

    def median(self, step: str) -> float | None:
        """The median of a step; None where the runtime does not tell it from another."""
        times = self.steps.get(step)
        return statistics.median(times) if times else None


class Pipeline:
    """A deployed detector, proved equal to eager mode, with what stands before and after it.

    Raises:
        SpecError: the model's strides do not divide the size.
        MismatchError: its predictions on noise are not those of eager mode, or not finite.
        RuntimeUnfitError: the runtime, device or precision is not to be had here.
    """

    def __init__(self, model: Detector, settings: Settings, thresholds: Thresholds) -> None:
        require_image_size(model, settings.image_size)
        self._session: Session = open_proved(
            settings.runtime, model, settings.options, noise(settings)
        ).session
        self._size, self._thresholds = settings.image_size, thresholds
        self.steps: dict[str, Callable[[Any], Any]] = {PRE: self._prepare}
        if settings.runtime == "eager":
            self.steps |= {FORWARD: model, DECODE: model.head.decode}
        else:
            self.steps[BOTH] = self._session.run
        self.steps[NMS] = self._suppress

    def run(self, pictures: Sequence[Image]) -> list[Tensor]:
        """Pictures (H, W, 3) uint8 to boxes (n, 6) each, in the network's pixels."""
        value: Any = pictures
        for step in self.steps.values():
            value = step(value)
        return value  # type: ignore[no-any-return]  # the last step's

    def synchronize(self) -> None:
        """Wait for the device."""
        self._session.synchronize()

    def close(self) -> None:
        """Give the memory back."""
        self._session.close()

    def _prepare(self, pictures: Sequence[Image]) -> Tensor:
        """Letterbox, then a tensor on the device in the session's precision."""
        boxed = np.stack([letterbox(picture, self._size, enlarge=True)[0] for picture in pictures])
        return self._session.prepare(torch.from_numpy(boxed).permute(0, 3, 1, 2).float().div_(255))

    def _suppress(self, predictions: Tensor) -> list[Tensor]:
        thresholds = self._thresholds
        return nms(
            predictions.float(),
            confidence=thresholds.confidence,
            iou=thresholds.iou,
            max_detections=thresholds.most,
            how=thresholds.how,
        )


def measure_stages(
    pipelines: Mapping[str, Pipeline],
    pictures: Sequence[Image],
    settings: Settings,
    *,
    clock: Clock = time.perf_counter,
) -> dict[str, Staged]:
    """Time every step of every pipeline in shuffled rounds of `settings.batch` pictures, which are cycled.

    A round runs the steps one by one, waiting for the device after each, and then all of them
    without waiting in between. The clock is the host's: a pipeline is not done before the host has
    the boxes.
    """
    order = sorted(pipelines)
    shuffle = random.Random(settings.seed).shuffle  # noqa: S311
    times: dict[str, dict[str, list[float]]] = {name: {} for name in order}
    boxes: dict[str, list[int]] = {name: [] for name in order}
    batches = _batches(pictures, settings.batch)
    with torch.inference_mode():
        for name in order * _WARM_ROUNDS:
            pipelines[name].run(next(batches))
        start = clock()
        while not boxes[order[0]] or clock() - start < settings.cap_seconds:
            batch = next(batches)
            shuffle(order)
            for name in order:
                detected = _one_round(pipelines[name], batch, times[name], clock)
                boxes[name] += [len(rows) for rows in detected]
    return {name: _staged(times[name], boxes[name]) for name in pipelines}


def _staged(times: Mapping[str, Sequence[float]], boxes: Sequence[int]) -> Staged:
    steps = {step: tuple(milliseconds) for step, milliseconds in times.items()}
    return Staged(steps, statistics.mean(boxes))


def _one_round(
    pipeline: Pipeline, batch: Sequence[Image], times: dict[str, list[float]], clock: Clock
) -> Sequence[Tensor]:
    value: Any = batch
    pipeline.synchronize()
    for name, step in pipeline.steps.items():
        start = clock()
        value = step(value)
        pipeline.synchronize()
        times.setdefault(name, []).append(1000 * (clock() - start))
    start = clock()
    detected = pipeline.run(batch)
    pipeline.synchronize()
    times.setdefault(END_TO_END, []).append(1000 * (clock() - start))
    return detected


def _batches(pictures: Sequence[Image], size: int) -> Iterator[list[Image]]:
    endless = cycle(pictures)
    while True:
        yield list(islice(endless, size))

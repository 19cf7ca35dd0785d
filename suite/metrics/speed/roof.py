"""What bounds a latency: the multiply-adds that were timed, and this machine's measured peak and bandwidth.

The peak is the best rate over repetitions of a matrix product and of a 3x3 convolution, the
bandwidth that of copying a tensor larger than the caches, counting what is read and what is
written; on the device, in the precision and with the threads of the latency that they stand beside.
A second is spent, once for each baseline's process.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from suite.metrics.cost.forms import blank, build_forms
from suite.metrics.cost.trace import trace
from suite.metrics.definitions import BANDWIDTH, PEAK, TIMED
from suite.metrics.evidence.limits import PeakRates, TimedWork
from suite.record import Json, Measurement
from suite.spec.records.variant import Variant

_BYTES = {"fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2, "int8": 1}
_UNPROBED = {"int8"}  # torch's convolutions have no such type
_LEAST, _SECONDS = 3, 0.25  # repetitions, and time, of each probe
Clock = Callable[[], float]


def measure_work(variant: Variant, classes: int, stated: Mapping[str, Json]) -> Measurement:
    """Operations (twice the multiply-adds) of one image as it was timed: deployed, at `stated`'s size.

    Beside it stand the bytes of weights and maps that convolutions and products read and write, in
    its precision.
    """
    size = stated["image_size"]
    assert isinstance(size, int)
    total = trace(build_forms(variant, classes).deployed, blank(size)).total
    moved = total.moved * _BYTES.get(str(stated.get("precision")), 4) // 4
    noted = TimedWork(moved, 2 * total.macs / moved)
    return TIMED.measured(
        (2 * total.macs / 1e9,), form="deployed", settings=stated, notes=noted.as_json
    )


def measure_roof(
    stated: Mapping[str, Json], *, clock: Clock = time.perf_counter
) -> tuple[Measurement, ...]:
    """Peak and bandwidth under the settings of a latency; nothing where torch cannot probe the precision."""
    precision, device = str(stated.get("precision")), str(stated.get("device", "cpu"))
    if precision not in _BYTES.keys() - _UNPROBED:
        return ()
    if device == "cpu" and isinstance(threads := stated.get("threads"), int):
        torch.set_num_threads(threads)
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)
    large = device != "cpu"
    with torch.inference_mode():
        matmul, convolution = (
            operations / 1e9 / _best(prepare(device, kind), device, clock)
            for operations, prepare in (_matmul(large), _convolution(large))
        )
        copied = torch.empty(2**28 if large else 2**24, dtype=torch.float32, device=device)
        target = torch.empty_like(copied)
        rate = 2 * copied.numel() * 4 / 1e9 / _best(lambda: target.copy_(copied), device, clock)
    rates = PeakRates(matmul, convolution)
    return (
        PEAK.measured((max(matmul, convolution),), form="", settings=stated, notes=rates.as_json),
        BANDWIDTH.measured((rate,), form="", settings=stated),
    )


Probe = tuple[float, Callable[[str, Any], Callable[[], object]]]
"""Operations, and what makes the thing to run on a device in a type."""


def _matmul(large: bool) -> Probe:
    side = 8192 if large else 1024

    def made(device: str, kind: Any) -> Callable[[], object]:
        a, b = (torch.ones(side, side, device=device, dtype=kind) for _ in range(2))
        return lambda: a @ b

    return 2.0 * side**3, made


def _convolution(large: bool) -> Probe:
    batch, channels, side = (32, 256, 80) if large else (1, 256, 40)

    def made(device: str, kind: Any) -> Callable[[], object]:
        layer = nn.Conv2d(channels, channels, 3, padding=1, device=device, dtype=kind)
        layer.to(memory_format=torch.channels_last)
        maps = torch.ones(batch, channels, side, side, device=device, dtype=kind)
        maps = maps.contiguous(memory_format=torch.channels_last)
        return lambda: layer(maps)

    return 2.0 * batch * side**2 * channels**2 * 9, made


def _best(run: Callable[[], object], device: str, clock: Clock) -> float:
    """Seconds of the fastest repetition."""

    def timed() -> float:
        start = clock()
        run()
        if device != "cpu":
            torch.cuda.synchronize(device)
        return clock() - start

    timed()
    times: list[float] = []
    while len(times) < _LEAST or sum(times) < _SECONDS:
        times.append(timed())
    return min(times)

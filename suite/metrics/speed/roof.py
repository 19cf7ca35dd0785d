"""What bounds a latency: the multiply-adds that were timed, and this machine's measured peak and bandwidth.

The peak is the best rate over repetitions of a matrix product and of a 3x3 convolution, the bandwidth that of copying
a tensor larger than the caches, counting what is read and what is written; on the device, in the precision and with
the threads of the latency that they stand beside. A second is spent, once for each baseline's process.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from suite.record import Json, Measurement, Metric

if TYPE_CHECKING:
    from suite.spec.records.variant import Variant

VERSION = 1
PEAK = Metric("peak_gflops", "measured peak of this machine", "GFLOP/s", "", VERSION, 0, "latency")
BANDWIDTH = Metric(
    "bandwidth_gbs", "measured bandwidth of this machine", "GB/s", "", VERSION, 1, "latency"
)
TIMED = Metric(
    "timed_gflop", "floating-point operations of the timed pass", "GFLOP", "", VERSION, 3, "latency"
)
METRICS: tuple[Metric, ...] = (PEAK, BANDWIDTH, TIMED)
_BYTES = {"fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2, "int8": 1}
_UNPROBED = {"int8"}  # torch's convolutions have no such type
_LEAST, _SECONDS = 3, 0.25  # repetitions, and time, of each probe
Clock = Callable[[], float]


def measure_work(variant: "Variant", classes: int, stated: Mapping[str, Json]) -> Measurement:
    """Operations (twice the multiply-adds) of one image as it was timed: deployed, at `stated`'s size.

    The notes have the bytes of weights and maps that convolutions and products read and write, in its precision.
    """
    from suite.metrics.cost.forms import blank, build_forms
    from suite.metrics.cost.trace import trace

    size = stated["image_size"]
    assert isinstance(size, int)
    total = trace(build_forms(variant, classes).deployed, blank(size)).total
    moved = total.moved * _BYTES.get(str(stated.get("precision")), 4) // 4
    notes: dict[str, Json] = {"bytes": moved, "intensity": 2 * total.macs / moved}
    return Measurement(
        TIMED.name, VERSION, TIMED.unit, "deployed", (2 * total.macs / 1e9,), stated, notes
    )


def measure_roof(
    stated: Mapping[str, Json], *, clock: Clock = time.perf_counter
) -> tuple[Measurement, ...]:
    """Peak and bandwidth under the settings of a latency; nothing where torch cannot probe the precision."""
    import torch

    precision, device = str(stated.get("precision")), str(stated.get("device", "cpu"))
    if precision not in _BYTES.keys() - _UNPROBED:
        return ()
    if device == "cpu" and isinstance(threads := stated.get("threads"), int):
        torch.set_num_threads(threads)
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)
    large = device != "cpu"
    rates: dict[str, Json] = {}
    with torch.inference_mode():
        for name, (flop, run) in {
            "matmul": _matmul(large),
            "convolution": _convolution(large),
        }.items():
            rates[name] = flop / 1e9 / _best(run(device, kind), device, clock)
        copied = torch.empty(2**28 if large else 2**24, dtype=torch.float32, device=device)
        target = torch.empty_like(copied)
        rate = 2 * copied.numel() * 4 / 1e9 / _best(lambda: target.copy_(copied), device, clock)
    best = max(float(value) for value in rates.values() if isinstance(value, float))
    found: tuple[tuple[Metric, float, dict[str, Json]], ...] = (
        (PEAK, best, rates),
        (BANDWIDTH, rate, {}),
    )
    return tuple(
        Measurement(m.name, VERSION, m.unit, "", (value,), stated, notes)
        for m, value, notes in found
    )


Probe = tuple[float, Callable[[str, Any], Callable[[], object]]]
"""Operations, and what makes the thing to run on a device in a type."""


def _matmul(large: bool) -> Probe:
    side = 8192 if large else 1024

    def made(device: str, kind: Any) -> Callable[[], object]:
        import torch

        a, b = (torch.ones(side, side, device=device, dtype=kind) for _ in range(2))
        return lambda: a @ b

    return 2.0 * side**3, made


def _convolution(large: bool) -> Probe:
    batch, channels, side = (32, 256, 80) if large else (1, 256, 40)

    def made(device: str, kind: Any) -> Callable[[], object]:
        import torch
        from torch import nn

        layer = nn.Conv2d(channels, channels, 3, padding=1, device=device, dtype=kind)
        layer.to(memory_format=torch.channels_last)
        maps = torch.ones(batch, channels, side, side, device=device, dtype=kind)
        maps = maps.contiguous(memory_format=torch.channels_last)
        return lambda: layer(maps)

    return 2.0 * batch * side**2 * channels**2 * 9, made


def _best(run: Callable[[], object], device: str, clock: Clock) -> float:
    """Seconds of the fastest repetition."""
    import torch

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

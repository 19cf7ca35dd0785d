"""What stands around a model that is timed: what watches its device, what empties its cache, what counts its energy."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from suite.machine.energy import Meter, find_rapl
from suite.machine.nvml import Gpu, find_gpu
from suite.machine.sensors import CpuSensor, Sensor, Sensors
from suite.metrics.speed.rounds import Settings
from suite.runtimes import Session

ENERGY_BLOCKS = 3
# a block; NVML's counter moves about ten times a second, RAPL's a thousand
ENERGY_SECONDS = {"cpu": 0.3, "cuda": 0.7}
_FLUSH_TIMES = 2  # the size of the cache


def sensor_of(settings: Settings) -> Sensor:
    """The processor's sensor, and on a GPU the card's too: a slow host starves a fast card."""
    gpu = _gpu(settings)
    return Sensors([CpuSensor(), gpu] if isinstance(gpu, Gpu) else [CpuSensor()])


def meter_of(settings: Settings) -> Meter | str:
    """The meter of the device that does the work, and of no other; or why there is none."""
    if settings.kind == "cpu":
        return find_rapl()
    gpu = _gpu(settings)
    assert gpu is not None
    return gpu


def flusher(settings: Settings) -> Callable[[], None]:
    """Writes over more memory than the GPU's second-level cache holds; nothing where that is not asked for."""
    if not settings.flush_l2:
        return lambda: None
    size = _FLUSH_TIMES * torch.cuda.get_device_properties(settings.device).L2_cache_size
    scratch = torch.empty(size, dtype=torch.int8, device=settings.device)
    return lambda: _empty(scratch)


def measure_energy(
    session: Session,
    prepared: Tensor,
    meter: Meter,
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, ...] | None:
    """Joules a call in each of a few blocks of calls without a pause; None where the meter has no number.

    Idle power is part of it: that is what the device draws while it does this work.
    """
    blocks = []
    for _ in range(ENERGY_BLOCKS):
        session.synchronize()
        before, start, calls = meter.joules(), clock(), 0
        while clock() - start < seconds:
            session.run(prepared)
            session.synchronize()
            calls += 1
        after = meter.joules()
        if before is None or after is None:
            return None
        blocks.append((after - before) / calls)
    return tuple(blocks)


def _gpu(settings: Settings) -> Gpu | str | None:
    """The card of a GPU setting, or why it cannot be watched; None for the processor."""
    if settings.kind == "cpu":
        return None
    return find_gpu(f"GPU-{torch.cuda.get_device_properties(settings.device).uuid}")


def _empty(scratch: Tensor) -> None:
    scratch.zero_()

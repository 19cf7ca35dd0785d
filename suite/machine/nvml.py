"""NVIDIA GPUs as their driver sees them (NVML, by nvidia-ml-py): what they are, and what they do while timed."""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suite.machine.sensors import Readings
from suite.record import Json

THROTTLING: dict[int, str] = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "thermal slowdown by software",
    0x40: "thermal slowdown by hardware",
    0x80: "power brake",
}
"""Bits of NVML's clock event reasons that slow work down; an idle GPU and clocks that a user has set are no fault."""

_SM_CLOCK, _MEMORY_CLOCK, _GPU_TEMPERATURE = 1, 2, 0  # NVML's numbers
_GIB = 2**30
_DRIVER = Path("/proc/driver/nvidia/version")


def gpus(nvml: Any = None) -> tuple[dict[str, Json], ...]:
    """`name`, `memory_gib` and `driver` of every NVIDIA card; empty where there is no driver or no card.

    `nvml` stands in for the module pynvml.
    """
    nvml = nvml or _pynvml()
    if nvml is None:
        return ()
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:  # there is no driver, or it is sick
        return ()
    try:
        return tuple(_card(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
    except nvml.NVMLError:
        return ()
    finally:
        nvml.nvmlShutdown()


def hides_cards(driver: Path = _DRIVER) -> bool:
    """Whether there is a driver that cannot be asked, as nvidia-ml-py is not installed."""
    return _pynvml() is None and driver.exists()


def _card(nvml: Any, index: int) -> dict[str, Json]:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    return {
        "name": str(nvml.nvmlDeviceGetName(handle)),
        "memory_gib": round(nvml.nvmlDeviceGetMemoryInfo(handle).total / _GIB, 1),
        "driver": str(nvml.nvmlSystemGetDriverVersion()),
    }


def throttled(reasons: float) -> tuple[str, ...]:
    """The causes among the bits of `reasons` for which a GPU runs slower than it could."""
    return tuple(cause for bit, cause in THROTTLING.items() if int(reasons) & bit)


def find_gpu(uuid: str, nvml: Any = None) -> "Gpu | str":
    """The GPU of that UUID ("GPU-…"), or why it cannot be watched. `nvml` stands in for the module pynvml."""
    nvml = nvml or _pynvml()
    if nvml is None:
        return "not here: nvidia-ml-py is not installed"
    try:
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
    except nvml.NVMLError as error:
        return f"not here: {error}"
    return Gpu(nvml, handle)


class Gpu:
    """One card: a sensor for rounds, and a meter of energy. What a card does not support is absent."""

    source = "NVML, total energy of the card"

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle

    def start(self) -> None:
        """Nothing: all readings are of the moment at which a round ends, while the card is still warm from it."""

    def stop(self) -> Readings:
        """`sm_mhz`, `memory_mhz`, `celsius`, `watts` and `throttle` (bits, see `THROTTLING`)."""
        nvml, handle = self._nvml, self._handle
        questions: dict[str, Callable[[], float]] = {
            "sm_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, _SM_CLOCK),
            "memory_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, _MEMORY_CLOCK),
            "celsius": lambda: nvml.nvmlDeviceGetTemperature(handle, _GPU_TEMPERATURE),
            "watts": lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,
            "throttle": lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
        }
        answers = {name: self._ask(question) for name, question in questions.items()}
        return {name: value for name, value in answers.items() if value is not None}

    def joules(self) -> float | None:
        """Energy since the driver was loaded; None on cards older than Volta."""
        used = self._ask(lambda: self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        return None if used is None else used / 1000

    def _ask(self, question: Callable[[], float]) -> float | None:
        try:
            return float(question())
        except self._nvml.NVMLError:
            return None


def _pynvml() -> Any:
    """The module, None where it is not installed."""
    if importlib.util.find_spec("pynvml") is None:
        return None
    return importlib.import_module("pynvml")

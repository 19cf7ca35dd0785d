"""PyTorch as it is: no compilation, one kernel after the other."""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.record import Json
from suite.runtimes import RuntimeUnfitError, Session, Timing

PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
Clock = Callable[[], float]


def open(  # noqa: A001  (every runtime's file has a function of this name)
    model: Detector,
    *,
    device: str = "cpu",
    precision: str = "fp32",
    threads: int = 1,
    channels_last: bool = True,
) -> Session:
    """Make a deployed model ready on `device`. The model itself is moved and cast: hand over one of your own.

    Pins what the process shares: threads and flushing of denormals on the CPU; no TF32 and tuned algorithms on CUDA.

    Raises:
        RuntimeUnfitError: the device or the precision does not exist.
    """
    if precision not in PRECISIONS:
        raise RuntimeUnfitError(f"eager: no precision '{precision}'; there are: {', '.join(PRECISIONS)}")
    settings: dict[str, Json] = {
        "runtime": "eager",
        "device": device,
        "precision": precision,
        "channels_last": channels_last,
        "threads": threads,
    }
    pin_threads(threads)
    if device == "cpu":
        # Untrained networks fade towards zero, and arithmetic on denormals is many times slower.
        torch.set_flush_denormal(True)
        return CpuSession(model, settings)
    if not device.startswith("cuda") or not torch.cuda.is_available():
        raise RuntimeUnfitError(f"eager: no device '{device}' here; there is: cpu")
    pin_cuda()
    settings["device_name"] = torch.cuda.get_device_name(device)
    return CudaSession(model, settings, torch.cuda)


def pin_threads(threads: int) -> None:
    """Use this many threads inside operators, and one between them."""
    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        # Can be set once only, before the first parallel work; a forward pass in eager mode never uses these.
        with contextlib.suppress(RuntimeError):
            torch.set_num_interop_threads(1)


def pin_cuda() -> None:
    """Make fp32 mean fp32, and let cuDNN choose its algorithms by trying (shapes stay fixed)."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = True


class _EagerSession:
    """What the sessions on both kinds of device share."""

    def __init__(self, model: Detector, settings: Mapping[str, Json]) -> None:
        self.settings: Mapping[str, Json] = settings
        self._device = str(settings["device"])
        self._dtype = PRECISIONS[str(settings["precision"])]
        self._format = torch.channels_last if settings["channels_last"] else torch.contiguous_format
        # torch's stubs know no overload that takes a device, a type and a format together
        self._model: Detector | None = model.eval().to(self._device, self._dtype, memory_format=self._format)  # type: ignore[call-overload]

    def prepare(self, images: Tensor) -> Tensor:
        """Images on the device, in the precision and memory format of the model."""
        return images.to(self._device, self._dtype).contiguous(memory_format=self._format)

    def run(self, prepared: Tensor) -> Tensor:
        """Decoded predictions."""
        assert self._model is not None, "the session is closed"
        with torch.inference_mode():
            return self._model.predict(prepared)

    def close(self) -> None:
        """Let go of the model."""
        self._model = None


class CpuSession(_EagerSession):
    """Runs on the processor; by the time a call returns, the work is done."""

    def __init__(
        self,
        model: Detector,
        settings: Mapping[str, Json],
        *,
        wall: Clock = time.perf_counter,
        cpu: Clock = time.process_time,
    ) -> None:
        super().__init__(model, settings)
        self._wall, self._cpu = wall, cpu

    def time(self, prepared: Tensor) -> Timing:
        """Wall and processor time of one call."""
        wall, cpu = self._wall(), self._cpu()
        self.run(prepared)
        return Timing(wall_ms=1000 * (self._wall() - wall), cpu_ms=1000 * (self._cpu() - cpu))

    def synchronize(self) -> None:
        """Nothing to wait for."""


class CudaSession(_EagerSession):
    """Runs on a GPU; `cuda` is the module `torch.cuda`, or a stand-in with its events."""

    def __init__(
        self, model: Detector, settings: Mapping[str, Json], cuda: Any, *, cpu: Clock = time.process_time
    ) -> None:
        super().__init__(model, settings)
        self._cuda, self._cpu = cuda, cpu

    def time(self, prepared: Tensor) -> Timing:
        """Time between two events on the GPU's own clock, and the processor time it took to feed it."""
        self.synchronize()  # the GPU may still be busy with the call before
        start, end = self._cuda.Event(enable_timing=True), self._cuda.Event(enable_timing=True)
        cpu = self._cpu()
        start.record()
        self.run(prepared)
        end.record()
        fed = self._cpu() - cpu
        self.synchronize()
        return Timing(wall_ms=start.elapsed_time(end), cpu_ms=1000 * fed)

    def synchronize(self) -> None:
        """Wait for the GPU."""
        self._cuda.synchronize()

    def close(self) -> None:
        """Let go of the model and of the memory that torch keeps for it."""
        super().close()
        self._cuda.empty_cache()

"""Where a network runs and in which numbers: the process, the model and the images made ready for that."""

import contextlib

import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.runtimes.common.contract import Options
from suite.runtimes.common.session import Call, Clock, CpuClock, CudaClock

DTYPES = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}


def pinned_clock(options: Options) -> Clock:
    """The device's clock, after what the process shares has been pinned for it."""
    pin_threads(options.threads)
    if options.kind == "cpu":
        # Untrained networks fade towards zero, and arithmetic on denormals is many times slower.
        torch.set_flush_denormal(True)
        return CpuClock()
    pin_cuda(tf32=options.precision == "tf32")
    device = torch.device(options.device)
    if device.index is not None:  # `cuda` alone is the current one
        torch.cuda.set_device(device)
    return CudaClock(torch.cuda)


def pin_threads(threads: int) -> None:
    """Use this many threads inside operators, and one between them."""
    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        # Can be set once only, before the first parallel work; a forward pass in eager mode never uses these.
        with contextlib.suppress(RuntimeError):
            torch.set_num_interop_threads(1)


def pin_cuda(*, tf32: bool = False) -> None:
    """Make fp32 mean fp32 unless TF32 is asked for, and let cuDNN choose its algorithms by trying (fixed shapes)."""
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


def placed(model: Detector, options: Options, *, channels_last: bool = True) -> Detector:
    """The model itself, for evaluation, on the device, in the precision and the memory format."""
    form = _format(channels_last=channels_last)
    # torch's stubs know no overload that takes a device, a type and a format together
    model.eval().to(options.device, DTYPES[options.precision], memory_format=form)  # type: ignore[call-overload]
    return model


def placer(options: Options, *, channels_last: bool = True) -> Call:
    """What brings images to where `placed` brings a model."""
    form = _format(channels_last=channels_last)
    return lambda images: images.to(options.device, DTYPES[options.precision]).contiguous(
        memory_format=form
    )


def inferring(call: Call) -> Call:
    """The call, without anything that only training needs."""

    def run(images: Tensor) -> Tensor:
        with torch.inference_mode():
            return call(images)

    return run


def _format(*, channels_last: bool) -> torch.memory_format:
    return torch.channels_last if channels_last else torch.contiguous_format

"""What training asks of its host: oneDNN for large 1x1 convolutions, freed memory kept, the same bits twice."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from suite.machine.allocator import set_malloc_thresholds
from suite.nn.detector import Detector

SMALLEST = 100_000  # elements in and out, from which on oneDNN's call costs less than it saves


@contextmanager
def fast_pointwise(model: Detector, *, batch: int, image_size: int) -> Iterator[None]:
    """Run the large 1x1 convolutions by oneDNN as long as the context lasts.

    On one thread and with fewer than 16 images PyTorch takes a kernel of its own for them, which needs a third more
    time forward and backward (YOLOv5n, 320 pixels, 8 images: 82 against 63 ms over ten of its shapes). It never does
    so for a dilated convolution, and dilation means nothing at 1x1.
    """
    on_cpu = next(model.parameters()).device.type == "cpu"
    slow = on_cpu and batch < 16 and torch.get_num_threads() == 1
    convolutions = list(_large_pointwise(model, batch, image_size)) if slow else []
    for conv in convolutions:
        conv.dilation = (2, 2)
    try:
        yield
    finally:
        for conv in convolutions:
            conv.dilation = (1, 1)


def _large_pointwise(model: Detector, batch: int, image_size: int) -> Iterator[nn.Conv2d]:
    for node in model.graph:
        positions = batch * (image_size // min(node.strides, default=model.strides[0])) ** 2
        for module in model.get_submodule(node.address).modules():
            if isinstance(module, nn.Conv2d) and _is_plain_pointwise(module, SMALLEST / positions):
                yield module


def _is_plain_pointwise(conv: nn.Conv2d, channels: float) -> bool:
    """Whether it is a 1x1 convolution without stride, groups or padding, of at least so many channels in and out."""
    geometry = (conv.kernel_size, conv.stride, conv.dilation, conv.padding)
    plain = geometry == ((1, 1), (1, 1), (1, 1), (0, 0))
    return plain and conv.groups == 1 and conv.in_channels + conv.out_channels >= channels


def keep_freed_memory() -> None:
    """Ask glibc, for the rest of this process, to reuse freed memory.

    Activations of a megabyte are mapped, zeroed by the kernel and unmapped again at every step otherwise.
    """
    set_malloc_thresholds(mmap=2**30, trim=2**31 - 1)


# without it cuBLAS adds in an order that changes from call to call
CUBLAS = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextmanager
def reproducible(device: torch.device, *, asked: bool) -> Iterator[None]:
    """Only algorithms that give the same bits each time, as long as the context lasts.

    Always on the CPU, where it costs nothing: with two threads or more, adding gradients into one cell several times
    has no fixed order otherwise. On an accelerator if it is asked for; an operator without such an algorithm then
    raises RuntimeError.
    """
    on_cpu = device.type == "cpu"
    if not (on_cpu or asked):
        yield
        return
    algorithms = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    memory: Any = torch.utils.deterministic
    fill, tuned = memory.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    if not on_cpu:
        os.environ.setdefault(*CUBLAS)
    torch.use_deterministic_algorithms(True, warn_only=on_cpu)
    memory.fill_uninitialized_memory = False  # nothing reads what it never wrote
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
        memory.fill_uninitialized_memory = fill
        torch.backends.cudnn.benchmark = tuned

"""Choose oneDNN for the large 1x1 convolutions of a small batch."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

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
    found = list(_large(model, batch, image_size)) if on_cpu and batch < 16 and torch.get_num_threads() == 1 else []
    for conv in found:
        conv.dilation = (2, 2)
    try:
        yield
    finally:
        for conv in found:
            conv.dilation = (1, 1)


def _large(model: Detector, batch: int, image_size: int) -> Iterator[nn.Conv2d]:
    for node in model.graph:
        positions = batch * (image_size // min(node.strides, default=model.strides[0])) ** 2
        for module in model.get_submodule(node.address).modules():
            if isinstance(module, nn.Conv2d) and _is_plain_pointwise(module, SMALLEST / positions):
                yield module


def _is_plain_pointwise(conv: nn.Conv2d, channels: float) -> bool:
    """Whether it is a 1x1 convolution without stride, groups or padding, of at least so many channels in and out."""
    plain = (conv.kernel_size, conv.stride, conv.dilation, conv.padding) == ((1, 1), (1, 1), (1, 1), (0, 0))
    return plain and conv.groups == 1 and conv.in_channels + conv.out_channels >= channels

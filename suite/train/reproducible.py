"""The same bits twice: which of torch's algorithms may be used while a network is trained."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

CUBLAS = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS adds in an order of its own


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
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
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

"""Which errors mean that memory has run out."""

import pytest
import torch

from suite.machine.allocator import is_out_of_memory


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"
            ),
            True,
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), True),
        (torch.OutOfMemoryError(), True),
        (MemoryError(), True),
        (RuntimeError("The size of tensor a must match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_allocators_that_ran_out_are_known(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) == expected

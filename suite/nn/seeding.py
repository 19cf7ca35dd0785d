"""Starting values that depend on a seed and on what is built, not on what was built before it."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int | None, role: str, number: int | None = None) -> Iterator[None]:
    """Within it torch draws on the CPU what seed, role and number say, and afterwards as if nothing had been drawn.

    With no seed nothing is changed.
    """
    if seed is None:
        yield
        return
    # torch.manual_seed would seed accelerators too, which costs more than the values of a small convolution
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(zlib.crc32(f"{seed}/{role}/{number}".encode()))
    try:
        yield
    finally:
        generator.set_state(before)

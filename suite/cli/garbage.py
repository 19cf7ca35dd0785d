"""Cyclic garbage, collected rarely while many networks are built and thrown away."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Within it Python looks for cycles every 20,000 new objects, not every 700, and seldom among the old ones.

    The objects of torch are many and stay, and a network is torn down without any search: the peak of memory is the
    same. With Python's own thresholds a seventh of the time of building and counting goes into searches.
    """
    before = gc.get_threshold()
    gc.set_threshold(20_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)

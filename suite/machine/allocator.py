"""What memory allocators say when they run out, and when glibc's gives memory back. Never imports torch."""

import ctypes
import re

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of mallopt, from glibc's malloc.h


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator has run out.

    Python's raises MemoryError and torch's for accelerators `torch.OutOfMemoryError`; torch's for the CPU raises a
    plain RuntimeError, so that only the message tells.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if not isinstance(error, RuntimeError):
        return False
    return re.search("can't allocate memory|out of memory", str(error)) is not None


def set_malloc_thresholds(*, mmap: int, trim: int) -> None:
    """Set two thresholds of glibc's malloc for the rest of this process; does nothing with another C library.

    Args:
        mmap: bytes from which on a block has pages of its own, which go back to the system when it is freed.
        trim: free bytes at the end of the heap from which on they go back to the system.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, mmap)
        mallopt(_TRIM_THRESHOLD, trim)

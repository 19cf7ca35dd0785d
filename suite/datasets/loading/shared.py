"""Memory that forked processes share, of a kind that is not limited as /dev/shm is (in containers often to 64 MB)."""

import mmap
import os
import weakref


class LoadingError(RuntimeError):
    """Batches cannot be made for a reason that is not in the data."""

    code = "loading"


def shared_memory(count: int, purpose: str) -> mmap.mmap:
    """So many bytes that this process and those forked later share; `purpose` begins the error message.

    Raises:
        LoadingError: the machine refuses them.
    """
    try:
        return mmap.mmap(-1, count)
    except (OSError, ValueError, OverflowError) as error:
        raise LoadingError(
            f"{purpose} needs {count / 2**30:.1f} GiB of memory, which cannot be had ({error}); "
            "a smaller --cache, batch or number of workers needs less"
        ) from error


class SharedFlags:
    """`count` flags, all down at first, that this process and those forked later raise and see.

    They lie in an anonymous file and are read and written by system calls, which also order memory: who sees a flag
    that is up sees what was written to shared memory before it was raised. A lock would do so too, but a worker that
    is killed while it holds one would stop all others.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._file = os.memfd_create("flags")
        weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, count)

    def raise_flag(self, index: int) -> None:
        """From now on the flag is up."""
        os.pwrite(self._file, b"\1", index)

    def is_up(self, index: int) -> bool:
        """Whether any process has raised the flag."""
        return os.pread(self._file, 1, index) == b"\1"

    def all_up(self) -> tuple[int, ...]:
        """The indices of the flags that are up, in order."""
        flags = os.pread(self._file, self._count, 0)
        return tuple(index for index, flag in enumerate(flags) if flag)

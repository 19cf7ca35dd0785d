"""One writer per store: an flock that the kernel frees when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class StoreError(RuntimeError):
    """The store cannot be used; the message says why and what would help."""


class StoreLockedError(StoreError):
    """Another process writes to the store. `pid` is its process id, 0 where it could not be read."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(
            f"{path.with_suffix('')}: in use by process {pid or 'unknown'}; wait for it, or use --wait"
        )
        self.pid = pid


class Lock:
    """Holds `path` (a file beside the store) from construction to `release`.

    Args:
        path: the lock file; it is created, never removed, and contains the pid of its last holder.
        wait: block until the holder is gone instead of raising.

    Raises:
        StoreLockedError: another process holds it and `wait` is false.
    """

    def __init__(self, path: Path, *, wait: bool = False) -> None:
        # not inheritable: a job that outlived its parent must not keep the lock
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            pid = _read_pid(self._file)
            os.close(self._file)
            raise StoreLockedError(path, pid) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _read_pid(file: int) -> int:
    text = os.pread(file, 32, 0).decode(errors="replace").strip()
    return int(text) if text.isdecimal() else 0

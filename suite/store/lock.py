"""One writer per store: an flock that the kernel frees when its holder dies, however it dies."""

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from suite.files import lock


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
        self._held = ExitStack()
        try:
            handle = self._held.enter_context(lock(path, wait=wait))
        except BlockingIOError:
            raise StoreLockedError(path, _read_pid(path)) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _read_pid(path: Path) -> int:
    text = path.read_text(errors="replace").strip()
    return int(text) if text.isdecimal() else 0

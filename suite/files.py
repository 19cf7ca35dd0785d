"""Files that appear whole or not at all, and locks that end with their holder. Below everything else."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Write a file anew: whoever reads `path` sees the old content or the new one, never a half.

        with replacing(path) as part:
            part.write_text(text)

    What the block writes to `part`, a hidden file of this process in the same folder, takes the place of `path` when
    the block ends. Where it raises, `part` is removed and `path` stays as it was. The folder is created if need be.

    Args:
        path: the file to write; it need not exist.
        durable: let the content reach the disk before the name does, so that not even a loss of power leaves an empty
            file. What can be had again at no cost does without.

    Raises:
        OSError: the folder, the file or the disk does not take it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        put_in_place(part, path, durable=durable)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def put_in_place(part: Path, path: Path, *, durable: bool = True) -> None:
    """Give the finished file `part` the name `path`, in one step; both are of one file system."""
    if durable:
        handle = os.open(part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    part.replace(path)


@contextmanager
def lock(path: Path, *, wait: bool = True) -> Iterator[int]:
    """Hold the lock file `path` as long as the context lasts; yields its descriptor, for a note of who holds it.

    The kernel frees the lock when its holder ends, however it ends. No child process inherits it: a job that outlives
    its parent must not keep it.

    Args:
        path: created if need be and never removed, as a lock on a removed file excludes nobody.
        wait: until another holder is gone, instead of raising.

    Raises:
        BlockingIOError: another process holds it, and `wait` is false.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield handle
    finally:
        os.close(handle)

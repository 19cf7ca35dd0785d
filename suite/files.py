"""Files that appear whole or not at all, and locks that end with their holder. Below everything else."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
REFUSED = FULL | {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


class WriteError(OSError):
    """The disk does not take a file: it is full, cannot be written to, or fails. `str()` names the file and why."""

    said = ""

    def __str__(self) -> str:
        return self.said


@contextmanager
def writing(path: Path, size: int = 0) -> Iterator[None]:
    """Name `path` where the disk does not take what the block writes; a path is not part of what the system says.

    Args:
        path: what is written.
        size: the bytes that it needs, 0 where that is not known before.

    Raises:
        WriteError: the disk is full, or cannot be written to.
        OSError: anything else is wrong.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, WriteError) or error.errno not in REFUSED:
            raise
        raise _write_error(error, path, size) from error


def _write_error(error: OSError, path: Path, size: int) -> WriteError:
    refused = WriteError(error.errno, error.strerror, str(path))
    refused.said = f"{path}: cannot be written: {error.strerror or error}"
    if error.errno in FULL:
        folder = next(parent for parent in path.absolute().parents if parent.is_dir())
        needed = f"it needs {size:,} bytes, and " if size else ""
        refused.said += f"; {needed}{shutil.disk_usage(folder).free:,} bytes are free there"
    return refused


@contextmanager
def replacing(path: Path, *, durable: bool = True, size: int = 0) -> Iterator[Path]:
    """Write a file anew: whoever reads `path` sees the old content or the new one, never a half.

        with replacing(path) as part:
            part.write_text(text)

    What the block writes to `part`, a hidden file of this process in the same folder, takes the place of `path` when
    the block ends. Where it raises, `part` is removed and `path` stays as it was. The folder is created if need be.

    Args:
        path: the file to write; it need not exist.
        durable: let the content reach the disk before the name does, so that not even a loss of power leaves an empty
            file. What can be had again at no cost does without.
        size: the bytes that it needs, for the message where they find no room; 0 where that is not known before.

    Raises:
        WriteError: the disk is full, or the folder cannot be written to.
        OSError: anything else is wrong with the folder or the file.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path, size):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            put_in_place(part, path, durable=durable)
        except BaseException:
            # of a folder that cannot be written to; what went wrong first is what is told
            with suppress(OSError):
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

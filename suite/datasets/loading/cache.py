"""Pictures kept decoded and scaled, so that the next epoch need not decode them again. No batch depends on it."""

import hashlib
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from suite.datasets.decode import picture_bytes
from suite.datasets.images import Image, scaled_sides
from suite.datasets.loading.shared import LoadingError, SharedFlags, shared_memory
from suite.datasets.split import Picture
from suite.files import lock, replacing
from suite.protocols.loading import Cache

_CHECK = 4  # bytes of CRC-32 at the end of a file
_FORM = "raw 1"  # of a file; part of its name


class PictureCache(Protocol):
    """A cache of one training: pictures by their index."""

    def get(self, index: int) -> Image | None:
        """The picture as it was put; None if it is not there. Not to be written to."""
        ...

    def put(self, index: int, image: Image) -> None:
        """Keep the picture if there is room."""
        ...


def open_cache(cache: Cache, pictures: Sequence[Picture], size: int) -> PictureCache:
    """The cache of a training at `size` pixels.

    Raises:
        LoadingError: there is no such memory, or the folder cannot be used.
    """
    if cache.folder is None:
        return RamCache(pictures, size, cache.limit or 0)
    return DiskCache(cache.folder, pictures, size, cache.limit)


class RamCache:
    """Pictures in memory that forked processes share.

    It is anonymous memory: /dev/shm, which containers often limit to 64 MB, is not used. Every picture has its place
    from the start; those that do not fit are never kept: with a new order each epoch, any choice is as good as another.
    """

    def __init__(self, pictures: Sequence[Picture], size: int, limit: int) -> None:
        self._sides = [
            scaled_sides(picture.width, picture.height, size)[::-1] for picture in pictures
        ]
        self._offsets: dict[int, int] = {}
        total = 0
        for index, (height, width) in enumerate(self._sides):
            if total + height * width * 3 <= limit:
                self._offsets[index] = total
                total += height * width * 3
        self._memory = shared_memory(total, "the cache of pictures") if total else None
        self._ready = SharedFlags(len(pictures))

    def get(self, index: int) -> Image | None:
        """As in `PictureCache`."""
        return self._view(index) if self._ready.is_up(index) else None

    def put(self, index: int, image: Image) -> None:
        """As in `PictureCache`."""
        if index in self._offsets:
            view = self._view(index)
            view.flags.writeable = True
            view[:] = image
            self._ready.raise_flag(index)

    def _view(self, index: int) -> Image:
        assert self._memory is not None
        height, width = self._sides[index]
        count, offset = height * width * 3, self._offsets[index]
        view = np.frombuffer(self._memory, np.uint8, count, offset).reshape(height, width, 3)
        view.flags.writeable = False
        return view


class DiskCache:
    """Pictures as raw pixels in files, for this and later runs; the folder may be deleted at any time.

    A file is named by the content of the picture's own file and all else that its pixels depend on, written whole or
    not at all, and checked when it is read. A folder that is full, or cannot be written to, is only read.
    """

    def __init__(
        self, folder: Path, pictures: Sequence[Picture], size: int, limit: int | None
    ) -> None:
        self._folder, self._pictures, self._size = folder, pictures, size
        self._files: dict[int, Path] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._room = _Room(folder, limit)
        except OSError as error:
            what = f"{folder}: cannot be used as a cache ({error.strerror or error})"
            raise LoadingError(f"{what}; give --cache another folder, or 'none'") from error
        self._writes = True

    def get(self, index: int) -> Image | None:
        """As in `PictureCache`."""
        picture = self._pictures[index]
        width, height = scaled_sides(picture.width, picture.height, self._size)
        try:
            data = self._file(index).read_bytes()
        except OSError:
            return None
        count = height * width * 3
        check = zlib.crc32(memoryview(data)[:count]).to_bytes(_CHECK, "little")
        if len(data) != count + _CHECK or data[count:] != check:  # damaged: it will be written anew
            return None
        return np.frombuffer(data, np.uint8, count).reshape(height, width, 3)

    def put(self, index: int, image: Image) -> None:
        """As in `PictureCache`."""
        data = image.tobytes()
        if not self._writes or not self._room.take(len(data) + _CHECK):
            return
        file = self._file(index)
        try:
            with replacing(file, durable=False) as part:
                part.write_bytes(data + zlib.crc32(data).to_bytes(_CHECK, "little"))
        except OSError:  # the disk is full, say: training goes on without
            self._writes = False

    def _file(self, index: int) -> Path:
        if index not in self._files:
            picture = self._pictures[index]
            content = hashlib.sha256(picture_bytes(picture)).hexdigest()
            about = (
                content,
                self._size,
                picture.width,
                picture.height,
                picture.upright,
                cv2.__version__,
                _FORM,
            )
            name = hashlib.sha256(repr(about).encode()).hexdigest()
            self._files[index] = self._folder / name[:2] / f"{name}.raw"
        return self._files[index]


class _Room:
    """How much the folder may still take; all processes that write into it keep one account."""

    def __init__(self, folder: Path, limit: int | None) -> None:
        self._limit, self._account = limit, folder / ".used"
        if limit is not None:
            with self._locked():  # counted anew: a run that was killed may have left it wrong
                self._write(sum(file.stat().st_size for file in folder.glob("??/*")))

    def take(self, count: int) -> bool:
        """Whether so many bytes more fit; they are booked then."""
        if self._limit is None:
            return True
        try:
            with self._locked():
                used = int(self._account.read_text())
                if used + count > self._limit:
                    return False
                self._write(used + count)
        except (OSError, ValueError):
            return False
        return True

    def _write(self, used: int) -> None:
        self._account.write_text(str(used))

    def _locked(self) -> AbstractContextManager[int]:
        return lock(self._account.with_name(".lock"))

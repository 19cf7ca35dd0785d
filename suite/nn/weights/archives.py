"""The two forms of torch's files, and what else is found under their endings.

Since torch 1.6 a file is a zip with a pickle and a member for each storage; before, it is several pickles in a row and
then the storages. Both are read through stand-ins (`suite.nn.weights.inert`), storages only when they are asked for.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from suite.nn.weights.inert import InertUnpickler, Storage, StoredTensor, WeightsError, shown

_MAGIC = 0x1950A86A20F9469CFC6C  # of torch before 1.6
_LENGTH = 8  # bytes before each of its storages: the number of values
_HEAD = 512  # bytes of a file that tell what it is
_LOOKS: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (lambda head: not head, "it is empty"),
    (
        lambda head: head.startswith(b"PK"),
        "it is cut off, a zip without its end; fetch or save it again",
    ),
    (
        lambda head: head.lstrip().startswith(b"<"),
        "it is a web page, so that the download went wrong; fetch it again",
    ),
    (
        lambda head: head.startswith(b"version https://git-lfs"),
        "it is a pointer of Git LFS; `git lfs pull` fetches the file",
    ),
    (lambda head: head.startswith(b"\x1f\x8b"), "it is compressed; unpack it by gunzip"),
    (lambda head: head[257:262] == b"ustar", "it is a tar archive; unpack it"),
    (lambda head: head[8:9] == b"{", "it is a .safetensors file; give it that ending"),
    (
        lambda head: head.startswith(b"\x08") and b"pytorch" in head[:64],
        "it is an ONNX export; take the .pt file",
    ),
)


class Archive:
    """An open file of torch: what it holds, and the tensors of it that are asked for.

    Args:
        content: the pickled object, in stand-ins.
        read: gives the bytes of a storage.
        size: of the file in bytes, more than which it cannot hold.
    """

    def __init__(self, content: Any, read: Callable[[Storage], bytes], size: int) -> None:
        self.content = content
        self._read = read
        self._unread = size  # bytes
        self._ungiven = 2 * size  # values; what is shared by two layers is given twice
        self._values: dict[Storage, Tensor] = {}

    def tensor(self, stored: StoredTensor) -> Tensor:
        """The values of a tensor.

        Raises:
            WeightsError: they are not in the file.
        """
        storage = stored.storage
        if storage not in self._values:
            self._values[storage] = self._stored(storage)
        self._ungiven -= stored.count
        if self._ungiven < 0:
            raise WeightsError("claims to hold more values than a file of its size can")
        return self._values[storage].as_strided(stored.shape, stored.steps, stored.offset)

    def _stored(self, storage: Storage) -> Tensor:
        wanted = storage.count * storage.dtype.itemsize
        self._unread -= wanted
        data = self._read(storage) if self._unread >= 0 else b""
        if len(data) != wanted:
            raise WeightsError(
                f"storage {shown(storage.key)} has {len(data)} bytes, not the {wanted} it claims"
            )
        return (
            torch.frombuffer(bytearray(data), dtype=storage.dtype)
            if data
            else torch.empty(0, dtype=storage.dtype)
        )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The file of torch at `path`, open as long as the context lasts.

    Raises:
        WeightsError: it is no file of torch, is cut off, or names what no model needs.
        Exception: whatever a damaged or hostile file leads to; nothing of it has been executed.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        is_zip = zipfile.is_zipfile(file)
        file.seek(0)
        if is_zip:
            with zipfile.ZipFile(file) as archive:
                yield _from_zip(archive, size)
        elif head.startswith(b"\x80"):
            yield _from_pickles(file.read())
        else:
            what = next((what for looks, what in _LOOKS if looks(head)), "torch has not written it")
            raise WeightsError(f"not a readable YOLOv5 checkpoint: {what}")


def _from_zip(archive: zipfile.ZipFile, size: int) -> Archive:
    members = {info.filename: info for info in archive.infolist()}
    index = next((name for name in members if name.endswith("/data.pkl")), None)
    if index is None:
        raise WeightsError(
            "not a readable YOLOv5 checkpoint: it is a zip that torch has not written"
        )
    root = index.removesuffix("data.pkl")
    if f"{root}constants.pkl" in members:
        raise WeightsError(
            "is a TorchScript export, which is code; take the .pt file that it was exported from"
        )

    def member(name: str) -> bytes:
        info = members.get(name)
        if info is None:
            raise WeightsError(f"lacks {shown(name)}; it may be damaged")
        if info.compress_type != zipfile.ZIP_STORED:  # what is unpacked may be any size
            raise WeightsError(
                "is a compressed zip, which torch never writes; save it again by torch"
            )
        return archive.read(info)

    if f"{root}byteorder" in members and member(f"{root}byteorder") != b"little":
        raise WeightsError("was written by a big-endian machine; save it again on another one")
    content = InertUnpickler(io.BytesIO(member(index))).load()
    return Archive(content, lambda storage: member(f"{root}data/{storage.key}"), size)


def _from_pickles(data: bytes) -> Archive:
    file = io.BytesIO(data)
    if InertUnpickler(file).load() != _MAGIC:
        raise WeightsError(
            "not a readable YOLOv5 checkpoint: it is a pickle that torch has not written; "
            "save it by torch.save(model.state_dict(), FILE)"
        )
    for _ in ("the form", "the system"):
        InertUnpickler(file).load()
    unpickler = InertUnpickler(file)
    content = unpickler.load()
    places: dict[str, slice] = {}
    keys = InertUnpickler(file).load()
    start = file.tell()
    for key in keys:
        storage = unpickler.storages[str(key)]
        end = start + _LENGTH + storage.count * storage.dtype.itemsize
        places[storage.key] = slice(start + _LENGTH, end)
        start = end
    return Archive(content, lambda storage: data[places[storage.key]], len(data))

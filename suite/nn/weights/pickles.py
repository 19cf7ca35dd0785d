"""Reads the tensors of a YOLOv5 `.pt` file without executing anything that the file says.

Such a file pickles whole model objects. Here every class that it names becomes an inert stand-in that only remembers
its attributes, three functions that rebuild tensors are our own, and whatever else the file names is refused. So no
code of the file's choosing runs, no module is imported by name, and a tensor can never reach past its stored bytes.
"""

import collections
import io
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

STAND_INS = (
    "models.",
    "utils.",
    "yolov5.models.",
    "yolov5.utils.",
    "torch.nn.modules.",
    "pathlib.",
    "datetime.",
    "numpy.",
)
DTYPES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class WeightsError(ValueError):
    """A weights file that cannot be used; the message says why and what would be right."""


def read_reference_checkpoint(path: Path) -> dict[str, Tensor]:
    """The float32 state dict of the model in `path` (its EMA where the file has one), in the reference's names.

    Raises:
        WeightsError: not such a file, damaged, naming something outside a model's classes, or of the Focus era
            (v5.0 and older), whose networks this suite does not describe.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = _read_archive(archive)
    except (
        zipfile.BadZipFile,
        KeyError,
        EOFError,
        OSError,
        pickle.UnpicklingError,
        AttributeError,
        ValueError,
    ) as error:
        if isinstance(error, WeightsError):
            raise WeightsError(f"{path}: {error}") from error
        raise WeightsError(
            f"{path}: not a readable YOLOv5 checkpoint ({error}); it may be damaged"
        ) from error
    model = content.get("ema") or content.get("model") if isinstance(content, dict) else content
    if not isinstance(model, StandIn):
        raise WeightsError(
            f"{path}: holds no model; a YOLOv5 checkpoint has one under 'ema' or 'model'"
        )
    _refuse_focus(path, model)
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in _tensors(model)
    }


class StandIn:
    """Takes the place of any object of a model file; keeps what was said of it and does nothing."""

    original = ""

    def __init__(self, *_: object, **__: object) -> None:
        self.state: dict[str, Any] = {}

    def __new__(cls, *_: object, **__: object) -> Self:
        """An object with empty state, whatever arguments the file gives."""
        made = object.__new__(cls)
        made.state = {}
        return made

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.state = state


class _Unpickler(pickle.Unpickler):
    """Resolves no name to real code but containers, tensors and dtypes."""

    def __init__(self, data: bytes, storage: Callable[[str, torch.dtype, int], Tensor]) -> None:
        super().__init__(io.BytesIO(data))
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get(f"{module}.{name}")
        if known is not None:
            return known
        if f"{module}.".startswith(STAND_INS):
            return type(name, (StandIn,), {"original": f"{module}.{name}"})
        raise WeightsError(
            f"names {module}.{name}, which no model needs: refused, nothing was executed"
        )

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise WeightsError(f"holds a stored object of unknown kind {kind!r}")
        return self._storage(str(key), dtype, int(count))


def _read_archive(archive: zipfile.ZipFile) -> Any:
    index = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
    if index is None:
        raise WeightsError(
            "has no data.pkl inside; files saved before torch 1.6 must be saved again by a newer one"
        )
    root = index.removesuffix("data.pkl")

    def storage(key: str, dtype: torch.dtype, count: int) -> Tensor:
        data = archive.read(f"{root}data/{key}")
        if len(data) != count * dtype.itemsize:
            raise WeightsError(
                f"storage {key} has {len(data)} bytes, not the {count * dtype.itemsize} it claims"
            )
        return (
            torch.frombuffer(bytearray(data), dtype=dtype) if count else torch.empty(0, dtype=dtype)
        )

    return _Unpickler(archive.read(index), storage).load()


def _rebuild_tensor(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    if any(n < 0 for n in (*size, *stride, offset)):
        raise WeightsError("holds a tensor of negative size")
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    count = 1
    for n in size:
        count *= n
    if count and (last >= storage.numel() or count > storage.numel()):
        raise WeightsError(
            f"holds a tensor of shape {tuple(size)} that is larger than its {storage.numel()} stored values"
        )
    return storage.as_strided(tuple(size), tuple(stride), offset).clone()


def _parameter(data: Tensor, *_: object) -> Tensor:
    return data


_KNOWN: dict[str, Any] = {
    "collections.OrderedDict": collections.OrderedDict,
    "builtins.set": set,
    "__builtin__.set": set,
    "torch.Size": tuple,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _parameter,
    **{f"torch.{name}": dtype for name, dtype in DTYPES.items()},
}


def _tensors(module: StandIn, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    for group in ("_parameters", "_buffers"):
        for name, tensor in (module.state.get(group) or {}).items():
            if isinstance(tensor, Tensor):
                yield f"{prefix}{name}", tensor
    for name, child in (module.state.get("_modules") or {}).items():
        if isinstance(child, StandIn):
            yield from _tensors(child, f"{prefix}{name}.")


def _refuse_focus(path: Path, module: StandIn) -> None:
    if module.original.endswith(".Focus"):
        raise WeightsError(
            f"{path}: is a network with a Focus stem (YOLOv5 v5.0 or older); this suite describes v6.0 to v7.0"
        )
    for child in (module.state.get("_modules") or {}).values():
        if isinstance(child, StandIn):
            _refuse_focus(path, child)

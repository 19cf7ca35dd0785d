"""Unpickles without executing: names become inert stand-ins, tensors are only described, nothing of a file is called.

A `.pt` file pickles whole model objects. Here every class that it names becomes a stand-in that only remembers its
attributes, a tensor is where it would lie in which storage, and whatever else the file names is refused. So no code of
the file's choosing runs, no module is imported by name, and no memory is taken that the file only claims to need.
"""

import collections
import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any, ClassVar, Self

import torch

STAND_INS = (
    "models.",
    "utils.",
    "yolov5.",
    "ultralytics.",
    "__main__.",
    "torch.nn.",
    "torch.optim.",
    "torch.distributed.",
    "torch._C._nn.",
    "torchvision.ops.",
    "thop.",
    "argparse.",
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
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_SHOWN = 100  # characters of a text of the file in a message


class WeightsError(ValueError):
    """A weights file that cannot be used; the message says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of `count` values of the file, by its key there."""

    key: str
    dtype: torch.dtype
    count: int


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as the file describes it, within its storage; steps are in values. Nothing of it has been read."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def count(self) -> int:
        """The number of its values."""
        count = 1
        for side in self.shape:
            count *= side
        return count


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

    def __setitem__(self, key: object, value: object) -> None:
        """What a mapping of an unknown class is filled with is not kept."""

    def append(self, value: object) -> None:
        """What a list of an unknown class is filled with is not kept."""

    def extend(self, values: Iterable[object]) -> None:
        """As `append`."""


def shown(text: object) -> str:
    """A text of the file for a message: one line, short, nothing that a terminal would obey."""
    line = "".join(sign if sign.isprintable() else "?" for sign in str(text)[: _SHOWN + 1])
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


# The Python one: its memo is a dictionary, so that ten bytes cannot ask for gigabytes, and its table can be changed.
_PythonUnpickler: Any = vars(pickle)["_Unpickler"]
_REFUSED = (pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.BYTEARRAY8, pickle.NEXT_BUFFER)


class InertUnpickler(_PythonUnpickler):  # type: ignore[misc]  # of a class that mypy cannot see
    """`load()` gives the next pickle of a file: plain values, containers, `StandIn` and `StoredTensor`.

    It resolves no name to real code but containers, and changes no object but stand-ins and containers. It raises
    WeightsError where the pickle names what no model needs, and else whatever a damaged or hostile one leads to.
    `storages` are all that were met, by key.
    """

    dispatch: ClassVar[dict[int, Any]] = {
        code: load
        for code, load in _PythonUnpickler.dispatch.items()
        if bytes([code]) not in _REFUSED
    }

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8", errors="replace")
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for what the file names, or the container that it is."""
        whole = f"{module}.{name}"
        if whole in _KNOWN:
            return _KNOWN[whole]
        if module == "torch" and name.endswith("Storage"):
            raise WeightsError(
                f"holds values of the kind {shown(name)}, as quantised networks do; "
                "take the file from before it was quantised"
            )
        if f"{module}.".startswith(STAND_INS):
            return type(name, (StandIn,), {"original": whole})
        raise WeightsError(
            f"names {shown(whole)}, which no model needs: refused, nothing was executed; of a file that you trust, "
            "save the tensors alone where its code is: torch.save(model.state_dict(), FILE)"
        )

    def persistent_load(self, pid: Any) -> Any:
        """Where values lie that the pickle itself does not hold."""
        # of torch before 1.6: a class with its source, which nobody looks at
        if pid[0] == "module":
            return pid[1]
        kind, dtype, key, _, count, *views = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise WeightsError(f"holds a stored object of unknown kind {shown(repr(kind))}")
        if any(view is not None for view in views):
            raise WeightsError(
                "shares storages as torch before 0.4 did; save it again by a newer one"
            )
        return self.storages.setdefault(str(key), Storage(str(key), dtype, _natural(count)))

    def load_build(self) -> None:
        """Give an object its state: only a stand-in takes it."""
        state = self.stack.pop()
        if isinstance(self.stack[-1], StandIn) and isinstance(state, dict):
            self.stack[-1].state = state

    dispatch[pickle.BUILD[0]] = load_build


def _natural(value: object) -> int:
    if type(value) is not int or value < 0:
        raise WeightsError("holds a tensor of negative size")
    return value


def _rebuild_tensor(
    storage: object, offset: object, shape: Iterable[object], steps: Iterable[object], *_: object
) -> StoredTensor:
    if not isinstance(storage, Storage):
        raise WeightsError("holds a tensor without stored values")
    sides, strides = tuple(map(_natural, shape)), tuple(map(_natural, steps))
    tensor = StoredTensor(storage, _natural(offset), sides, strides)
    last = tensor.offset + sum((n - 1) * s for n, s in zip(sides, strides, strict=True))
    if tensor.count and (last >= storage.count or tensor.count > storage.count):
        raise WeightsError(
            f"holds a tensor of shape {shown(sides)} that is larger than its {storage.count} stored values"
        )
    return tensor


def _rebuild_from_type(
    rebuild: object, _type: object, arguments: Iterable[object], *_: object
) -> Any:
    """A tensor that had attributes of its own, which are not kept."""
    if rebuild is not _rebuild_tensor:
        raise WeightsError("holds a tensor of a class of its own; save the tensors alone")
    return _rebuild_tensor(*arguments)  # type: ignore[arg-type]  # it checks each


def _parameter(data: object, *_: object) -> object:
    return data


def _reconstructed(cls: object, *_: object) -> StandIn:
    return cls() if isinstance(cls, type) and issubclass(cls, StandIn) else StandIn()


def _bytes(text: str = "", encoding: str = "") -> bytes:
    """How pickles of protocol 2 write bytes: as a text and the name of its encoding."""
    if not isinstance(text, str) or encoding not in {"", "latin1"}:
        raise WeightsError(f"encodes by {shown(encoding)}, which no model needs")
    return text.encode("latin1")


def _dictionary(*_: object) -> dict[Any, Any]:
    return {}


def _quantised(*_: object) -> None:
    raise WeightsError("holds quantised tensors; take the file from before it was quantised")


_BUILTINS: dict[str, Callable[..., Any]] = {
    "set": set,
    "frozenset": frozenset,
    "list": list,
    "dict": dict,
    "object": StandIn,
    "bytes": _bytes,
}
_KNOWN: dict[str, Any] = {
    "collections.OrderedDict": collections.OrderedDict,
    "collections.defaultdict": _dictionary,
    **{
        f"{module}.{name}": cls
        for module in ("builtins", "__builtin__")
        for name, cls in _BUILTINS.items()
    },
    "_codecs.encode": _bytes,
    "copyreg._reconstructor": _reconstructed,
    "copy_reg._reconstructor": _reconstructed,
    "torch.Size": tuple,
    "torch.device": StandIn,
    "torch.Tensor": StandIn,
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._utils._rebuild_qtensor": _quantised,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    **{f"torch.{name}": dtype for name, dtype in DTYPES.items()},
    **{str(dtype): dtype for dtype in DTYPES.values()},
}

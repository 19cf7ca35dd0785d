"""Shape inference on the meta device, each question asked once.

There torch finds the shape of most operators' results in Python, which takes about 100 µs; a network asks the same
questions over and over, and variants of one base ask each other's.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

_REMEMBERED = 1 << 16  # answers, of about a kilobyte each
_PLAIN = frozenset({int, float, bool, str, type(None)})  # described by type and value


class Shapes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, what runs on the meta device takes the short way to its shapes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})[0]


class _Kind(Enum):
    FRESH = auto()  # the result shares nothing with the arguments: a question to remember
    IN_PLACE = auto()  # the first argument, changed but of the same shape, is the result
    OTHER = auto()  # views, and what changes other arguments


class _Shape(NamedTuple):
    """All that decides what an operator makes of a meta tensor."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def tensor(self) -> Tensor:
        return torch.empty_strided(self.size, self.stride, dtype=self.dtype, device="meta")


class _Several(NamedTuple):
    """A list or tuple of arguments or results."""

    members: tuple[Any, ...]


def run(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, int | None]:
    """The result of a dispatched operator and its multiply-adds by torch's formula, None where there is no formula.

    On other devices than meta the operator runs as always.
    """
    kind = _kind(func)
    first = args[0] if args else None
    if type(first) is list and first:  # the maps that are joined
        first = first[0]
    if isinstance(first, Tensor) and first.is_meta:
        if kind is _Kind.FRESH:
            result, macs = _answer(func, tuple(map(_described, args)), _named(kwargs))
            return _made(result), macs
        if kind is _Kind.IN_PLACE:
            if any(isinstance(value, Tensor) for value in args[1:]):
                # raises where the shapes do not fit
                _answer(func, tuple(map(_described, args)), _named(kwargs))
            return args[0], None
    result = func(*args, **kwargs)
    return result, _macs(func, args, kwargs, result)


@cache
def _kind(func: Any) -> _Kind:
    schema, tags = func._schema, func.tags  # noqa: SLF001  (the only place where an operator says this)
    shared = [value.alias_info is not None for value in (*schema.arguments, *schema.returns)]
    unsafe = func.overloadpacket is torch.ops.aten._unsafe_view  # noqa: SLF001  (a view whose schema denies it)
    if not any(shared) and not unsafe:
        return _Kind.FRESH
    first = schema.arguments[0].alias_info if schema.arguments else None
    if first and first.is_write and len(schema.returns) == 1 and torch.Tag.inplace_view not in tags:
        return _Kind.IN_PLACE
    return _Kind.OTHER


@lru_cache(maxsize=_REMEMBERED)
def _answer(
    func: Any, args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]
) -> tuple[Any, int | None]:
    """The description of the result, and the multiply-adds."""
    real, named = [_made(value) for value in args], {key: _made(value) for key, value in kwargs}
    norm = func.overloadpacket is torch.ops.aten.native_batch_norm and _agree(real)
    result = _normed(real[0]) if norm else func(*real, **named)
    return _described(result), _macs(func, real, named, result)


def _agree(norm: Sequence[Any]) -> bool:
    """Whether the norm's parameters and statistics have one value a channel."""
    return all(value.numel() == norm[0].shape[1] for value in norm[1:] if isinstance(value, Tensor))


def _normed(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What batch norm returns: its output, and mean and inverse deviation of every channel.

    Torch would find that by carrying it out step by step, at 600 µs.
    """
    statistics = x.new_empty(x.shape[1])
    return torch.empty_like(x), statistics, torch.empty_like(statistics)


def _macs(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> int | None:
    formula = flop_registry.get(func.overloadpacket)
    return None if formula is None else int(formula(*args, **kwargs, out_val=result)) // 2


def _named(kwargs: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((key, _described(value)) for key, value in kwargs.items())


def _described(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return kind, value  # the type keeps 1, 1.0 and True apart
    if isinstance(value, Tensor):
        return _Shape(value.shape, value.stride(), value.dtype)
    if isinstance(value, list | tuple):
        kinds = tuple(map(type, value))
        if _PLAIN.issuperset(kinds):
            return kinds, tuple(value)
        return _Several(tuple([_described(member) for member in value]))
    return kind, value


def _made(description: Any) -> Any:
    kind = type(description)
    if kind is _Shape:
        return description.tensor()
    if kind is _Several:
        return tuple([_made(member) for member in description.members])
    return description[1]

"""Typed evidence: frozen records that stand in a store as JSON, and nowhere else. Never imports torch.

The fields of a record are its schema: the type says what JSON stands for it, the default what its
absence means.

- `bool`, `int`, `float` (whole numbers too) and `str` stand as they are, a `Mapping` from names as an object, a
  `tuple` of any length as an array, another record as an object, a `NamedTuple` as an array of its
  values.
- A field with the default None is written only where it has a value. It reads as None, "not recorded then", where an
  older build did not write it, and where what stands there is of another type.
- A field without a default is always written, as null too, and a record that lacks it cannot be read.
- A field whose metadata has a "key" stands under that key, every other one under its name.
- Of many records, or of values by name, those that cannot be read are left out; plain numbers and texts, whose
  positions have a meaning, are read all or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache, partial
from types import UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

from suite.record import Json

Reader = Callable[[Json], Any]
_SCALARS: dict[type, frozenset[type]] = {
    bool: frozenset({bool}),
    int: frozenset({int}),
    float: frozenset({int, float}),
    str: frozenset({str}),
    type(None): frozenset({type(None)}),
}


class EvidenceError(ValueError):
    """JSON that does not hold the record it was read as."""


class Evidence:
    """The base of the records: a frozen dataclass gets its JSON from its fields.

    >>> @dataclass(frozen=True, slots=True)
    ... class Peak(Evidence):
    ...     mib: float
    ...     layer: str | None = None
    >>> Peak(12.5).as_json
    {'mib': 12.5}
    >>> Peak.from_json({"mib": 12.5, "layer": "neck.3"})
    Peak(mib=12.5, layer='neck.3')
    """

    __slots__ = ()

    @property
    def as_json(self) -> dict[str, Json]:
        """The record as measurements note it and the store keeps it."""
        return _written(self)

    @classmethod
    def from_json(cls, notes: "Json | Mapping[str, Json]") -> Self:
        """The record that `as_json` gave, or what can be read of it; keys that it does not know are passed over.

        Raises:
            EvidenceError: a field without a default is not there or is of another type.
        """
        record: Self = _read_record(cls, notes)
        return record


@dataclass(frozen=True, slots=True)
class _Entry:
    """How one field of a record is written and read."""

    name: str
    key: str
    required: bool
    read: Reader


@cache
def _entries(kind: Any) -> tuple[_Entry, ...]:
    hints = get_type_hints(kind)
    return tuple(_entry(one, hints[one.name]) for one in fields(kind))


def _entry(one: "Field[Any]", hint: Any) -> _Entry:
    key = one.metadata.get("key", one.name)
    return _Entry(one.name, key, one.default is MISSING, _reader(hint))


def _written(record: object) -> dict[str, Json]:
    values: dict[str, Json] = {}
    kind: Any = type(record)
    for entry in _entries(kind):
        value = getattr(record, entry.name)
        if entry.required or value is not None:
            values[entry.key] = _json(value)
    return values


def _json(value: object) -> Json:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [_json(item) for item in value]
    return _written(value)


def _read_record(kind: Any, notes: "Json | Mapping[str, Json]") -> Any:
    if not isinstance(notes, Mapping):
        raise EvidenceError(f"{kind.__name__}: {type(notes).__name__} where an object is wanted")
    values = {}
    for entry in _entries(kind):
        try:
            values[entry.name] = entry.read(notes[entry.key])
        except (KeyError, EvidenceError) as error:
            if entry.required:
                raise EvidenceError(f"{kind.__name__}: no usable {entry.key!r}") from error
    return kind(**values)


@cache
def _reader(kind: Any) -> Reader:
    """What reads one type of field."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return partial(_read_either, tuple(_reader(one) for one in arguments))
    if origin is tuple:
        return _reader_of_many(arguments[0])
    if origin is Mapping:
        return partial(_read_by_name, _reader(arguments[1]))
    if is_dataclass(kind):
        return partial(_read_record, kind)
    if kind in _SCALARS:
        return partial(_read_scalar, _SCALARS[kind])
    hints = get_type_hints(kind)
    return partial(_read_row, kind, tuple(_reader(hint) for hint in hints.values()))


def _reader_of_many(kind: Any) -> Reader:
    allowed = _SCALARS.get(kind)
    if allowed is None:
        return partial(_read_many, _reader(kind))
    return partial(_read_scalars, allowed)


def _read_scalar(allowed: frozenset[type], value: Json) -> Json:
    if type(value) not in allowed:
        raise EvidenceError(f"{value!r} is of another type")
    return value


def _read_scalars(allowed: frozenset[type], values: Json) -> tuple[Json, ...]:
    if not isinstance(values, list) or not allowed.issuperset(map(type, values)):
        raise EvidenceError("not an array of plain values of one type")
    return tuple(values)


def _read_many(read: Reader, values: Json) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise EvidenceError(f"{type(values).__name__} where an array is wanted")
    return tuple(_readable(read, values))


def _readable(read: Reader, values: Sequence[Json]) -> list[Any]:
    items = []
    for value in values:
        try:
            items.append(read(value))
        except EvidenceError:
            continue
    return items


def _read_by_name(read: Reader, values: Json) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise EvidenceError(f"{type(values).__name__} where an object is wanted")
    items = {}
    for name, value in values.items():
        try:
            items[name] = read(value)
        except EvidenceError:
            continue
    return items


def _read_row(kind: Callable[..., Any], readers: tuple[Reader, ...], values: Json) -> Any:
    if not isinstance(values, list) or len(values) != len(readers):
        raise EvidenceError(f"not an array of {len(readers)} values")
    return kind(*(read(value) for read, value in zip(readers, values, strict=True)))


def _read_either(readers: tuple[Reader, ...], value: Json) -> Any:
    for read in readers:
        try:
            return read(value)
        except EvidenceError:
            continue
    raise EvidenceError(f"{value!r} is of none of {len(readers)} types")

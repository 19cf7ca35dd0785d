"""What a test knows of a value and its declared type does not say."""

from typing import Any, TypeVar

T = TypeVar("T")


def opened(value: object) -> Any:
    """`value`, whose inside no declared type describes: the parts of a torch module, a JSON document."""
    return value


def present(value: T | None) -> T:
    """`value`, which may be None elsewhere and is not here."""
    assert value is not None
    return value


def stand_in(fake: object) -> Any:
    """`fake` in the place of a class of which it has the parts that are used."""
    return fake

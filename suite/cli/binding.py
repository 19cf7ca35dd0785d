"""Arguments and options of a command, bound to one record."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any, TypeAlias

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


def bound(record: type, decorators: Sequence[Decorator]) -> Decorator:
    """Give a command these arguments and options; it receives those named like fields of `record` as one record.

    The record is the command's first argument; options that it has no field for arrive by their names.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(**values: Any) -> Any:
            chosen = {field.name: values.pop(field.name) for field in fields(record)}
            return function(record(**chosen), **values)

        decorated: Callable[..., Any] = command
        for decorator in reversed(decorators):
            decorated = decorator(decorated)
        return decorated

    return decorate

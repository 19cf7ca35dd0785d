"""The forms that one value of a file can have: a number in bounds, true or false, a word, one of some words.

A form says how a node is read (None stands for what has been reported), what a JSON Schema says of it
(`suite.yaml.schemas`), and what a table of keys says of its range (`suite.yaml.tables`).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from suite.record import Json
from suite.yaml.document import Node, Table
from suite.yaml.reader import Reader

Schema: TypeAlias = dict[str, Json]


class Decoding(Protocol):
    """What a form needs of the decoder that it reads for (`suite.yaml.records.Decoder`)."""

    @property
    def reader(self) -> Reader:
        """Typed access to nodes; it collects the problems."""
        ...

    @property
    def specials(self) -> Mapping[str, Any]:
        """The forms of one language, by the name that its records call them by."""
        ...

    def record(self, kind: type[Any], node: Node, called: str, base: Any = None) -> Any:
        """A mapping as a record."""
        ...

    def filled(self, kind: type[Any], table: Table, called: str, base: Any = None) -> Any:
        """The same of a mapping whose keys have been looked at."""
        ...


class Describing(Protocol):
    """What a form needs of the maker of a schema (`suite.yaml.schemas.Schemas`)."""

    @property
    def language(self) -> Any:
        """The decoder's class."""
        ...

    def value(self, form: "Form") -> Schema:
        """What may be written in the place of a value."""
        ...

    def scalar(self, kind: str) -> Schema:
        """A value of one of JSON Schema's types."""
        ...

    def any_of(self, *choices: Schema) -> Schema:
        """One of some schemas."""
        ...

    def several(self, one: Schema) -> Schema:
        """The thing itself, or a list of it."""
        ...

    def nested(self, kind: type[Any], base: Any = None) -> Schema:
        """A record within another."""
        ...


class Form(Protocol):
    """How a value is written."""

    def read(self, decoder: Decoding, node: Node, called: str) -> object:
        """The value of a node, which messages call `called`; None if it has been reported."""
        ...

    def schema(self, maker: Describing) -> Schema:
        """What a JSON Schema says of it."""
        ...

    def limits(self, language: Any) -> str:
        """What a table of keys says of its range, "" for nothing."""
        ...


class Whole(NamedTuple):
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int

    def read(self, decoder: Decoding, node: Node, called: str) -> int | None:
        """The number; None if it has been reported."""
        return decoder.reader.whole(node, called, low=self.low, high=self.high)

    def schema(self, maker: Describing) -> Schema:
        """An integer between the bounds."""
        return maker.scalar("integer") | {"minimum": self.low, "maximum": self.high}

    def limits(self, language: Any) -> str:  # noqa: ARG002
        """Both bounds."""
        return f"{self.low} – {self.high}"


class Number(NamedTuple):
    """A finite number from `low` to `high`; `above` leaves `low` itself out, `as_written` leaves 3 whole."""

    low: float
    high: float
    above: bool = False
    as_written: bool = False

    def read(self, decoder: Decoding, node: Node, called: str) -> float | None:
        """The number; None if it has been reported."""
        reader = decoder.reader
        value = reader.number(node, called, low=self.low, high=self.high, above=self.above)
        return value if value is None or self.as_written else float(value)

    def schema(self, maker: Describing) -> Schema:
        """A number between the bounds."""
        least = "exclusiveMinimum" if self.above else "minimum"
        return maker.scalar("number") | {least: self.low, "maximum": self.high}

    def limits(self, language: Any) -> str:  # noqa: ARG002
        """Both bounds."""
        return f"{'above ' if self.above else ''}{self.low:.12g} – {self.high:.12g}"


class Flag(NamedTuple):
    """True or false."""

    def read(self, decoder: Decoding, node: Node, called: str) -> bool | None:
        """The truth value; None if it has been reported."""
        return decoder.reader.flag(node, called)

    def schema(self, maker: Describing) -> Schema:
        """A truth value."""
        return maker.scalar("boolean")

    def limits(self, language: Any) -> str:  # noqa: ARG002
        """Nothing: the default tells what it is."""
        return ""


class Word(NamedTuple):
    """A word that is not empty; `prose` is one printable line of several."""

    prose: bool = False

    def read(self, decoder: Decoding, node: Node, called: str) -> str | None:
        """The word; None if it has been reported."""
        if self.prose:
            return decoder.reader.text(node, called)
        return decoder.reader.word(node, called)

    def schema(self, maker: Describing) -> Schema:  # noqa: ARG002
        """A string that is not empty."""
        return {"type": "string", "pattern": "\\S"}

    def limits(self, language: Any) -> str:  # noqa: ARG002
        """Nothing."""
        return ""


class Choice(NamedTuple):
    """One of some words."""

    choices: tuple[str, ...]

    def read(self, decoder: Decoding, node: Node, called: str) -> str | None:
        """The word; None if it has been reported."""
        return decoder.reader.choice(node, called, self.choices)

    def schema(self, maker: Describing) -> Schema:  # noqa: ARG002
        """The words."""
        return {"enum": list(self.choices)}

    def limits(self, language: Any) -> str:  # noqa: ARG002
        """The words."""
        return ", ".join(self.choices)

"""The forms of values that are made of others: lists, nested records, a word in a mapping's place, own forms."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from suite.record import Json
from suite.yaml.document import Items, Node, Scalar, Table
from suite.yaml.forms import Decoding, Describing, Form, Schema


class OrWord(NamedTuple):
    """A word of its own, which means `value`, or a value of another form."""

    word: str
    value: str | None
    other: Form

    def read(self, decoder: Decoding, node: Node, called: str) -> object:
        """What the word means, or the other value."""
        if isinstance(node, Scalar) and node.value == self.word:
            return self.value
        return self.other.read(decoder, node, called)

    def schema(self, maker: Describing) -> Schema:
        """The word or the other."""
        return {"anyOf": [{"enum": [self.word]}, maker.value(self.other)]}

    def limits(self, language: Any) -> str:
        """The word and the other's range."""
        return f"{self.word}, {self.other.limits(language)}"


class Listed(NamedTuple):
    """A list; with `several` one value stands for a list of one.

    `called` is what messages call a member. At least `least` of them, and with `unique` none twice.
    """

    member: Form
    called: str = ""
    several: bool = False
    least: int = 0
    unique: bool = False

    def read(self, decoder: Decoding, node: Node, called: str) -> tuple[object, ...] | None:
        """The members' values; None if one of them, or the list itself, has been reported."""
        reader = decoder.reader
        nodes = reader.several(node) if self.several else reader.items(node, called)
        values = tuple(self.member.read(decoder, each, self.called or called) for each in nodes)
        if None in values or not (self.several or isinstance(node, Items)):
            return None
        if len(values) < self.least:
            reader.wrong(node, f"{called} has at least one member")
            return None
        if self.unique and len(set(map(str, values))) != len(values):
            reader.wrong(node, f"{called} names nothing twice")
            return None
        return values

    def schema(self, maker: Describing) -> Schema:
        """An array of the members, or one of them."""
        member = self.member.schema(maker)
        if self.several:
            return maker.several(member)
        schema: Schema = {"type": "array", "items": member}
        if self.least:
            schema["minItems"] = self.least
        if self.unique:
            schema["uniqueItems"] = True
        return schema

    def limits(self, language: Any) -> str:
        """The members' range."""
        return self.member.limits(language)


class Nested(NamedTuple):
    """A mapping that is a record of its own; keys that it leaves out have the values of `base`, if there is one."""

    kind: type[Any]
    base: object = None

    def read(self, decoder: Decoding, node: Node, called: str) -> object:
        """The record; None if anything in it has been reported."""
        return decoder.record(self.kind, node, called, self.base)

    def schema(self, maker: Describing) -> Schema:
        """The record's own."""
        return maker.nested(self.kind, self.base)

    def limits(self, language: Any) -> str:  # noqa: ARG002
        """Nothing: it has a table of its own."""
        return ""


class Shorthand(NamedTuple):
    """A record, or a word that stands for a mapping of one key to it: `nms: soft` for `nms: {kind: soft}`.

    Whoever writes neither is told to write a word if the record needs that key (`must`), else a mapping.
    """

    kind: type[Any]
    key: str
    word: Form
    must: bool = False

    def read(self, decoder: Decoding, node: Node, called: str) -> object:
        """The record; None if anything in it has been reported."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            table = Table({self.key: node}, {self.key: node.mark}, node.mark)
            return decoder.filled(self.kind, table, called)
        if isinstance(node, Table) or not self.must:
            return decoder.record(self.kind, node, called)
        decoder.reader.word(node, called)
        return None

    def schema(self, maker: Describing) -> Schema:
        """The word or the record."""
        return maker.any_of(self.word.schema(maker), maker.nested(self.kind))

    def limits(self, language: Any) -> str:
        """The words."""
        return self.word.limits(language)


class Placed(NamedTuple):
    """A value together with where it stands."""

    inner: Form

    def read(self, decoder: Decoding, node: Node, called: str) -> object:
        """The value and its mark; None if it has been reported."""
        value = self.inner.read(decoder, node, called)
        return None if value is None else (value, node.mark)

    def schema(self, maker: Describing) -> Schema:
        """The value's."""
        return maker.value(self.inner)

    def limits(self, language: Any) -> str:
        """The value's."""
        return self.inner.limits(language)


class Special(NamedTuple):
    """A form of one language: how it is read, its JSON Schema, what a table of keys says of its range.

    `reads` gets the decoder, the node and what messages call it, and gives the value, or None after a report.
    """

    reads: Callable[[Any, Node, str], object]
    schema: Callable[[], Mapping[str, Json]]
    limits: str = ""


class Named(NamedTuple):
    """The special form of that name, which only the language's decoder knows."""

    name: str

    def read(self, decoder: Decoding, node: Node, called: str) -> object:
        """What the language's own form reads; None if it has been reported."""
        special: Special = decoder.specials[self.name]
        return special.reads(decoder, node, called)

    def schema(self, maker: Describing) -> Schema:
        """What the language says."""
        special: Special = maker.language.specials[self.name]
        return dict(special.schema())

    def limits(self, language: Any) -> str:
        """What the language says."""
        special: Special = language.specials[self.name]
        return special.limits

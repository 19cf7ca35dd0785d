"""The JSON Schema (draft 2020-12) of a record, made from the forms of its keys: what editors complete and underline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from suite.record import Json
from suite.yaml.forms import Choice, Form, Schema
from suite.yaml.records import Decoder
from suite.yaml.rules import Key, described, plan_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Schemas:
    """Makes schemas for one language.

    Attributes:
        language: the decoder, whose special forms and checks say what they look like.
        shared: the records that stand under `$defs`, by the name there; all others are written out.
        placeholder: a pattern of words that may stand in the place of a number or a choice, "" for none.
    """

    language: type[Decoder]
    shared: Mapping[type[Any], str] = field(default_factory=lambda: MappingProxyType({}))
    placeholder: str = ""

    def document(self, kind: type[Any], title: str) -> Schema:
        """The schema of files that are one record."""
        return {"$schema": DRAFT, "title": title, **self.record(kind)}

    def record(self, kind: type[Any], base: object = None) -> Schema:
        """A mapping of the record's keys and no others; the defaults are those of `base` where there is one."""
        plan = plan_of(kind)
        schema = closed({key.key: self.key(key) for key in described(kind, base)})
        always = [name for name in plan.required if not plan.keys[name].rule.unless]
        if always:
            schema |= required(always)
        for name in plan.required:
            other = plan.keys[name].rule.unless
            if other:
                schema["anyOf"] = [required([name]), required([other])]
        check = self.language.checks.get(kind)
        return schema | dict(check.schema if check else {})

    def key(self, key: Key) -> Schema:
        """A key's value, its line of documentation and its default."""
        schema = self.value(key.form)
        if key.rule.note:
            schema["description"] = key.rule.note
        if isinstance(key.default, str | int | float) and key.default != "":
            schema["default"] = key.default
        return schema

    def value(self, form: Form) -> Schema:
        """What may be written in the place of a value: a choice among words may be a placeholder."""
        schema = form.schema(self)
        if isinstance(form, Choice) and len(form.choices) > 1:
            return self.any_of(schema)
        return schema

    def nested(self, kind: type[Any], base: object = None) -> Schema:
        """A record within another: written out, or a reference to where it stands."""
        return ref(self.shared[kind]) if kind in self.shared else self.record(kind, base)

    def several(self, one: Schema) -> Schema:
        """The thing itself, or a list of it."""
        return self.any_of(one, {"type": "array", "items": one})

    def any_of(self, *choices: Schema) -> Schema:
        """One of some schemas, or a placeholder where the language has those."""
        if self.placeholder:
            choices = (*choices, {"type": "string", "pattern": self.placeholder})
        return dict(choices[0]) if len(choices) == 1 else {"anyOf": list(choices)}

    def scalar(self, kind: str) -> Schema:
        """A number or truth value, or a placeholder where the language has those."""
        if self.placeholder:
            return {"type": [kind, "string"], "pattern": self.placeholder}
        return {"type": kind}


def ref(name: str) -> Schema:
    """A reference to what stands under `$defs`."""
    return {"$ref": f"#/$defs/{name}"}


def closed(properties: Mapping[str, Json]) -> Schema:
    """A mapping of these keys and no others."""
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def required(keys: Iterable[str]) -> Schema:
    """That a mapping has some keys."""
    return {"required": list[Json](keys)}

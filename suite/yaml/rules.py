"""What the fields of a record say of the keys of a file, and the forms that follow from it.

A field's annotation says what its value is, and `setting` or `needed` what an annotation cannot say: a key of another
name, bounds, what messages call it, and one line of documentation. Fields without a rule are no keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from suite.yaml.forms import Choice, Flag, Form, Number, Whole, Word
from suite.yaml.mark import Mark
from suite.yaml.shapes import Listed, Named, Nested, OrWord, Placed, Shorthand


class Rule(NamedTuple):
    """What a field's annotation does not say of its key.

    In each group what is left out is not asked for; where several values stand in a list, numbers and words are those
    of its members.
    """

    note: str = ""  # the line of documentation
    column: str = ""  # what a table of keys says beside it
    key: str = ""  # the name in a file, where it is not the field's
    called: str = ""  # what messages call the value, where it is not the key
    # a number lies between both, which are included, or above the lower
    low: float = 0
    high: float = 0
    above: bool = False
    as_written: bool = False  # a whole number stays one, although the field is a float
    word: str = ""  # a word of its own in a number's place: None, if the field may be that
    # a word: one of some, or a name; else a line of text
    choices: tuple[str, ...] = ()
    name: bool = False
    # a list: what messages call a member, whether one value may stand for a list of one
    members: str = ""
    several: bool = False
    least: int = 0
    unique: bool = False
    shorthand: str = ""  # of a record: the key that a word in its place means
    form: str = ""  # a special form of the language: of a list's members where `members` is stated
    # keys together: must be there in spite of a default; must without that other key; makes sense only if one of
    # the record's choices is among these
    must: bool = False
    unless: str = ""
    belongs: tuple[str, ...] = ()


def setting(default: Any, note: str, **more: Any) -> Any:
    """A field of a record that is a key of a file, with the value that it has where the file leaves it out."""
    return field(default=default, metadata={"rule": Rule(note, **more)})


def needed(note: str, **more: Any) -> Any:
    """A field of a record that is a key which a file must have."""
    return field(metadata={"rule": Rule(note, **more)})


class Key(NamedTuple):
    """One key of a record: the field's name, what may be written, what messages call it.

    `nullable`: None may be the value itself, and not what has been reported.
    """

    name: str
    key: str
    rule: Rule
    form: Form
    default: object
    called: str
    nullable: bool = False


class Plan(NamedTuple):
    """A record made ready for decoding: its keys in order, those that must be there, where marks go."""

    keys: Mapping[str, Key]
    required: tuple[str, ...]
    marks: Mapping[str, str]  # fields for a mark, and the key whose place it is ("": the mapping's)
    bound: tuple[Key, ...]  # keys that belong to some choices only


def keys_of(kind: type[Any]) -> tuple[str, ...]:
    """The keys that a record's mapping may have, in the order of its fields."""
    return tuple(plan_of(kind).keys)


def described(kind: type[Any], base: object = None) -> tuple[Key, ...]:
    """The keys of a record, with the defaults of `base` where there is one."""
    keys = plan_of(kind).keys.values()
    if base is None:
        return tuple(keys)
    return tuple(key._replace(default=getattr(base, key.name)) for key in keys)


def plan_of(kind: Any, ticks: str = "`") -> Plan:
    """How a record is decoded; made once for each class."""
    return _planned(kind, ticks)


@cache
def _planned(kind: Any, ticks: str) -> Plan:
    types = get_type_hints(kind)
    keys: dict[str, Key] = {}
    marks: dict[str, str] = {}
    for each in fields(kind):
        rule = each.metadata.get("rule")
        if rule is not None:
            name = rule.key or each.name
            default = _default(each)
            form = _form(types[each.name], rule, default)
            called = rule.called or f"{ticks}{name}{ticks}"
            nullable = isinstance(form, OrWord) and form.value is None
            keys[name] = Key(each.name, name, rule, form, default, called, nullable)
        elif types[each.name] == Mark | None:
            marks[each.name] = each.metadata.get("of", "")
    required = tuple(
        name
        for name, key in keys.items()
        if key.default is MISSING or key.rule.must or key.rule.unless
    )
    return Plan(keys, required, marks, tuple(key for key in keys.values() if key.rule.belongs))


def _default(each: "Field[Any]") -> object:
    return each.default if each.default_factory is MISSING else each.default_factory()


def _form(annotation: Any, rule: Rule, default: object) -> Form:
    """What may be written for a field: by its rule where that says so, else by its annotation."""
    if rule.form and not rule.members:
        return Named(rule.form)
    arguments = get_args(annotation)
    if rule.word:
        return OrWord(rule.word, None if NoneType in arguments else rule.word, _whole(rule))
    if get_origin(annotation) is tuple:
        return _listed(arguments, rule)
    if NoneType in arguments:
        [annotation] = [kind for kind in arguments if kind is not NoneType]
        return _form(annotation, rule, None)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _record(annotation, rule, default)
    return _plain(annotation, rule)


def _whole(rule: Rule) -> Whole:
    return Whole(int(rule.low), int(rule.high))


def _listed(kinds: Sequence[Any], rule: Rule) -> Form:
    if kinds[1:] and kinds[1] is Mark:
        return Placed(_form(kinds[0], Rule(), None))
    inner = rule._replace(members="", several=False)
    return Listed(_form(kinds[0], inner, None), rule.members, rule.several, rule.least, rule.unique)


def _record(kind: type[Any], rule: Rule, default: object) -> Form:
    if rule.shorthand:
        key = plan_of(kind).keys[rule.shorthand]
        return Shorthand(kind, key.key, key.form, key.rule.must)
    return Nested(kind, default if isinstance(default, kind) else None)


def _plain(kind: Any, rule: Rule) -> Form:
    if kind is bool:
        return Flag()
    if kind is int:
        return _whole(rule)
    if kind is float:
        return Number(rule.low, rule.high, rule.above, rule.as_written)
    choices = rule.choices or get_args(kind)  # of a Literal
    return Choice(choices) if choices else Word(prose=not rule.name)

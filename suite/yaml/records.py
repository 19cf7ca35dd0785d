"""One decoder: a frozen dataclass is the schema of a mapping in a file.

A field's annotation says what its value is, and `setting` or `needed` what an annotation cannot say: a key of another
name, bounds, what messages call it, and one line of documentation. What one language alone has (lines of layers, names
of set-ups) is a special form that its decoder lists by name. Fields without a rule are no keys.

Example:
    >>> @dataclass(frozen=True)
    ... class Average:
    ...     decay: float = setting(0.9999, "share that an update keeps", low=0, high=1)
    >>> Decoder(Reader(problems)).record(Average, parse("decay: 0.99", "f.yaml", problems), "an average")
    Average(decay=0.99)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType, NoneType
from typing import (
    Any,
    ClassVar,
    NamedTuple,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from suite.record import Json
from suite.yaml.document import Node, Table
from suite.yaml.forms import Choice, Flag, Form, Number, Whole, Word
from suite.yaml.mark import Mark
from suite.yaml.reader import Reader
from suite.yaml.shapes import Listed, Named, Nested, OrWord, Placed, Shorthand, Special

T = TypeVar("T")
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


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


class Entries(NamedTuple):
    """The keys of one mapping after they were read: what a check of them together goes by.

    `values` are by the fields' names, without those that were reported; `called` is what messages call the mapping.
    """

    decoder: Any
    table: Table
    values: Mapping[str, Any]
    called: str

    def report(self, key: str, code: str, message: str, hint: str = "") -> None:
        """Add a problem at a key, or at the mapping itself if the key is not there."""
        mark = self.table.keys.get(key, self.table.mark)
        self.decoder.reader.problems.add(mark, code, message, hint)


class Check(NamedTuple):
    """What the keys of a record must be together: how it is checked, and what a JSON Schema says of it."""

    reads: Callable[[Entries], None]
    schema: Mapping[str, Json] = _NOTHING


class Plan(NamedTuple):
    """A record made ready for decoding: its keys in order, those that must be there, where marks go."""

    keys: Mapping[str, Key]
    required: tuple[str, ...]
    marks: Mapping[str, str]  # fields for a mark, and the key whose place it is ("": the mapping's)
    bound: tuple[Key, ...]  # keys that belong to some choices only


class Decoder:
    """Decodes records of one language: a subclass lists its special forms and its checks, and words its messages.

    Attributes:
        specials: forms of this language, by the names that rules call them by.
        checks: of a record's class, what its keys must be together.
        ticks: what messages put around a key.
    """

    specials: ClassVar[Mapping[str, Special]] = _NOTHING
    checks: ClassVar[Mapping[type[Any], Check]] = _NOTHING
    ticks: ClassVar[str] = "`"

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def record(
        self, kind: type[T], node: Node, called: str, base: T | None = None, **given: object
    ) -> T | None:
        """A mapping as a record; None if anything in it is wrong, after all of that has been reported.

        Args:
            kind: a frozen dataclass whose fields have rules.
            node: the mapping.
            called: what messages call it, such as "`loss`" or "a schedule".
            base: a record whose values hold for the keys that are left out, in the place of the defaults.
            given: the values of fields that are no keys.
        """
        before = len(self.reader.problems.found)
        table = self.reader.table(node, called, plan_of(kind, self.ticks).keys)
        if table is None:
            return None
        made = self.filled(kind, table, called, base, **given)
        return made if len(self.reader.problems.found) == before else None

    def filled(
        self, kind: type[T], table: Table, called: str, base: T | None = None, **given: object
    ) -> T | None:
        """The record of a mapping whose unknown keys have been reported, or belong to somebody else."""
        values = self.values(kind, table, called, partial=base is not None)
        if values is None:
            return None
        if base is None:
            return kind(**values, **given)
        return replace(base, **values, **given)  # type: ignore[type-var]

    def values(
        self, kind: type[Any], table: Table, called: str, *, partial: bool = False
    ) -> dict[str, Any] | None:
        """What a mapping states of a record, by the fields' names; None if any of it is wrong.

        `partial`: keys that must be there may be left out.
        """
        plan = plan_of(kind, self.ticks)
        keys, entries = plan.keys, table.entries
        values: dict[str, Any] = {}
        problems = self.reader.problems.found
        before = len(problems)
        complete = True
        for name, node in entries.items():
            key = keys.get(name)
            if key is None:
                continue
            value = key.form.read(self, node, key.called)
            if value is None and not key.nullable:
                complete = False  # it may have been reported before, when YAML was read
            else:
                values[key.name] = value
        if plan.required and not partial:
            self._require(plan, table, called)
        for name, source in plan.marks.items():
            values[name] = entries[source].mark if source in entries else table.mark
        if plan.bound:
            self._check_bound(plan, table, values)
        check = self.checks.get(kind)
        if check is not None:
            check.reads(Entries(self, table, values, called))
        return values if complete and len(problems) == before else None

    def report_missing(self, table: Table, called: str, keys: Sequence[str]) -> None:
        """Say that a mapping lacks keys."""
        names = ", ".join(f"{self.ticks}{key}{self.ticks}" for key in keys)
        self.reader.problems.add(table.mark, "E103", f"{called} needs {names}")

    def _require(self, plan: Plan, table: Table, called: str) -> None:
        """Report keys that must be there and are not."""
        entries = table.entries
        lacking = [key for key in plan.required if key not in entries]
        lacking = [key for key in lacking if plan.keys[key].rule.unless not in entries]
        if lacking:
            self.report_missing(table, called, lacking)

    def _check_bound(self, plan: Plan, table: Table, values: Mapping[str, object]) -> None:
        """Report a number that nothing which is named has: that is a mistake, not a decoration."""
        for key in plan.bound:
            if key.key in table.keys and not chosen(plan, values) & set(key.rule.belongs):
                owners = alternatives(key.rule.belongs)
                message = f"{key.called} is of {owners}, which is not named here"
                self.reader.problems.add(table.keys[key.key], "E105", message)


def keys_of(kind: type[Any]) -> tuple[str, ...]:
    """The keys that a record's mapping may have, in the order of its fields."""
    return tuple(plan_of(kind).keys)


def described(kind: type[Any], base: object = None) -> tuple[Key, ...]:
    """The keys of a record, with the defaults of `base` where there is one."""
    keys = plan_of(kind).keys.values()
    if base is None:
        return tuple(keys)
    return tuple(key._replace(default=getattr(base, key.name)) for key in keys)


def chosen(plan: Plan, values: Mapping[str, object]) -> set[object]:
    """The words that a record has chosen, its defaults included."""
    choices = (key for key in plan.keys.values() if isinstance(key.form, Choice))
    return {values.get(key.name, key.default) for key in choices}


def alternatives(choices: Sequence[str]) -> str:
    """Some words as a choice: hard, diou or soft_linear."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


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

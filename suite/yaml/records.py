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
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeVar

from suite.record import Json
from suite.yaml.document import Node, Table
from suite.yaml.forms import Choice
from suite.yaml.reader import Reader
from suite.yaml.rules import Plan, plan_of
from suite.yaml.shapes import Special

T = TypeVar("T")
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


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
            if key.key in table.keys and not _chosen(plan, values) & set(key.rule.belongs):
                owners = _alternatives(key.rule.belongs)
                message = f"{key.called} is of {owners}, which is not named here"
                self.reader.problems.add(table.keys[key.key], "E105", message)


def _chosen(plan: Plan, values: Mapping[str, object]) -> set[object]:
    """The words that a record has chosen, its defaults included."""
    choices = (key for key in plan.keys.values() if isinstance(key.form, Choice))
    return {values.get(key.name, key.default) for key in choices}


def _alternatives(choices: Sequence[str]) -> str:
    """Some words as a choice: hard, diou or soft_linear."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last

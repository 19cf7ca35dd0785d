"""Edits, selectors and schedules of a file, read against the blocks there are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from suite.spec.language.keys import COMPANIONS, VERBS
from suite.spec.language.layers import LayerReader
from suite.spec.language.values import SCHEMAS, WORD
from suite.spec.records.steps import EDITS, Change, Edit, Inserting, Verb
from suite.spec.records.variant import Layer, Schedule, Selector
from suite.spec.records.vocabulary import DROP_PATH, MAX_DROP_PATH, MAX_EDITS, PATTERN_SIGNS
from suite.yaml.document import Node, Table
from suite.yaml.errors import quote, suggest
from suite.yaml.forms import Schema
from suite.yaml.reader import Reader
from suite.yaml.records import Check, Entries
from suite.yaml.schemas import ref, required
from suite.yaml.shapes import Special

_WORDS = frozenset(VERBS).union(*COMPANIONS.values())
# what people write, and what it is here
_MEANT: Mapping[str, tuple[str, ...]] = {
    "add": ("insert",),
    "put": ("insert",),
    "append": ("insert",),
    "delete": ("remove",),
    "del": ("remove",),
    "drop": ("remove",),
    "change": ("set",),
    "modify": ("set",),
    "update": ("set",),
    "swap": ("replace",),
    "substitute": ("replace",),
    "by": ("with", "to"),
    "to": ("with",),
    "with": ("to",),
    "into": ("after",),
    "at": ("after",),
    "in": ("after",),
    "behind": ("after",),
}


class _WithBlocks(Protocol):
    """A decoder that knows the blocks there are."""

    reader: Reader
    layers: LayerReader

    def record(self, kind: Any, node: Node, called: str) -> Any:
        """A mapping as a record."""

    def filled(self, kind: Any, table: Table, called: str) -> Any:
        """The same of a mapping whose keys have been looked at."""


def _edits(decoder: _WithBlocks, node: Node, called: str) -> tuple[Edit, ...]:
    items = decoder.reader.items(node, called)
    if len(items) > MAX_EDITS:
        message = f"more than {MAX_EDITS} edits in one variant"
        decoder.reader.problems.add(items[MAX_EDITS].mark, "E005", message)
    return tuple(edit for item in items[:MAX_EDITS] if (edit := _edit(decoder, item)))


def _edit(decoder: _WithBlocks, node: Node) -> Edit | None:
    """One edit; None if it has been reported, or inserts nothing."""
    table = decoder.reader.table(node, "an edit")
    if table is None:
        return None
    verb = _verb(decoder, table)
    if verb is None:
        return None
    written = decoder.filled(EDITS[verb], table, f"`{verb}`")
    if written is None:
        return None
    if not isinstance(written, Inserting):
        change = getattr(written, "change", Change())
        return Edit(verb, written.select, table.mark, change)
    select = written.before or written.after
    if not written.layers or select is None:
        return None
    edit = Edit(verb, select, table.mark, layers=written.layers)
    return replace(edit, before=written.before is not None, keep_tag=written.keep_tag)


def _verb(decoder: _WithBlocks, table: Table) -> Verb | None:
    """The one verb of an edit, None if that has been reported; keys that do not go with it are reported too."""
    verbs = [verb for verb in VERBS if verb in table.entries]
    strange = [key for key in table.keys if key not in _WORDS]
    if not verbs and strange:
        _report_words(decoder, table, strange, VERBS)
        return None
    if len(verbs) != 1:
        message = f"an edit needs exactly one of: {', '.join(VERBS)}"
        decoder.reader.problems.add(table.mark, "E105", message)
        return None
    [verb] = verbs
    known = (verb, *COMPANIONS[verb])
    _report_words(decoder, table, [key for key in table.keys if key not in known], known)
    return verb


def _report_words(
    decoder: _WithBlocks, table: Table, words: Sequence[str], known: Sequence[str]
) -> None:
    """Report words that an edit does not have, each with the right one: of like letters, or of like meaning."""
    for word in words:
        meant = [other for other in _MEANT.get(word.lower(), ()) if other in known]
        hint = f"did you mean {meant[0]!r}?" if meant else suggest(word, known)
        decoder.reader.problems.add(table.keys[word], "E102", f"unknown key {quote(word)}", hint)


def _inserted(decoder: _WithBlocks, node: Node, _called: str) -> tuple[Layer, ...]:
    """Lines whose `part` is set when their place is known; heads are not inserted."""
    lines = decoder.reader.several(node)
    layers = (decoder.layers.layer(line, "backbone", complete=False) for line in lines)
    return tuple(layer for layer in layers if layer is not None)


def _selector(decoder: _WithBlocks, node: Node, _called: str) -> Selector | None:
    selector: Selector | None = decoder.record(Selector, node, "a selector")
    return selector


def _address(decoder: _WithBlocks, node: Node, called: str) -> str | None:
    """The address of a block there is."""
    address = decoder.reader.word(node, called)
    known = decoder.layers.known_block(address, node.mark) if address else None
    return address if known else None


def _pattern(decoder: _WithBlocks, node: Node, called: str) -> str | None:
    """The address of a block there is, or a glob."""
    address = decoder.reader.word(node, called)
    if address and not PATTERN_SIGNS & set(address):
        decoder.layers.known_block(address, node.mark)
    return address


def _check_insert(insert: Entries) -> None:
    entries = insert.table.entries
    if ("before" in entries) == ("after" in entries):
        insert.report("", "E105", f"{insert.called} needs either `before` or `after`")


def _check_schedule(schedule: Entries) -> None:
    """Report what stochastic depth cannot be."""
    values, entries = schedule.values, schedule.table.entries
    decoder: _WithBlocks = schedule.decoder
    if values.get("attribute") != DROP_PATH:
        return
    for key, name in (("from", "start"), ("to", "end")):
        if name in values:
            mark = entries[key].mark
            decoder.reader.within(mark, f"`{key}`", values[name], 0, MAX_DROP_PATH)
    block = values.get("block")
    if block and DROP_PATH not in decoder.layers.signatures.get(block).options:
        message = f"{block} has no {DROP_PATH}"
        decoder.reader.problems.add(entries["set"].mark, "E202", message)


def _change_schema(name: str) -> Schema:
    return SCHEMAS.any_of(ref(name))


EDIT_FORMS = {
    "edits": Special(_edits, lambda: {"type": "array", "items": ref("edit")}),
    "inserted": Special(_inserted, lambda: SCHEMAS.several(ref("inserted"))),
    "selector": Special(_selector, lambda: SCHEMAS.any_of(ref("selector"))),
    "address": Special(_address, lambda: ref("address")),
    "pattern": Special(_pattern, lambda: {"anyOf": [ref("address"), WORD]}),
    "with": Special(
        lambda decoder, node, called: decoder.layers.change_with(node, called),
        lambda: _change_schema("with"),
    ),
    "to": Special(
        lambda decoder, node, called: decoder.layers.change_to(node, called),
        lambda: _change_schema("to"),
    ),
}
EDIT_CHECKS: dict[type[Any], Check] = {
    Inserting: Check(_check_insert, {"oneOf": [required(["before"]), required(["after"])]}),
    Schedule: Check(_check_schedule),
}

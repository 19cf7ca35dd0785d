"""One protocol on another: what a file or a command line states takes the place of what its base states, key by key."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from suite.protocols.budget import BUDGETS
from suite.yaml.document import Node, Table, parse
from suite.yaml.errors import Problems, SpecError, quote
from suite.yaml.mark import Mark

# of each group a mapping has one: who states another one takes the base's away
_EXCLUSIVE = (frozenset(BUDGETS), frozenset({"minutes", "steps"}))
_SET = re.compile(r"(?P<name>.+?)\[(?P<settings>[^\[\]=]+=.*)\]")
_BETWEEN = re.compile(r",(?![^\[{]*[\]}])")  # commas that are not within brackets
_KEY = re.compile(r"[a-z_]+(\.[a-z_]+)*")


class Asked(NamedTuple):
    """A protocol by its name or file, and what is to be set in it: `smoke[budget.steps=10]`."""

    name: str
    settings: tuple[str, ...]


def asked_for(text: str, settings: Sequence[str] = ()) -> Asked:
    """The name in a text, and its settings with further ones behind them."""
    match = _SET.fullmatch(text)
    if match is None:
        return Asked(text, tuple(settings))
    own = (setting.strip() for setting in _BETWEEN.split(match["settings"]))
    return Asked(match["name"], (*own, *settings))


def overlaid(base: Table, own: Table) -> Table:
    """The base's mapping with the keys of its own; mappings within are laid over each other likewise."""
    gone: set[str] = set()
    for group in _EXCLUSIVE:
        if group & own.entries.keys():
            gone |= group - own.entries.keys()
    entries = {key: node for key, node in base.entries.items() if key not in gone}
    keys = {key: mark for key, mark in base.keys.items() if key not in gone}
    for key, node in own.entries.items():
        below = base.entries.get(key)
        entries[key], keys[key] = node, own.keys[key]
        if isinstance(below, Table) and isinstance(node, Table):
            entries[key] = overlaid(below, node)
    return Table(entries, keys, own.mark)


def setting_table(setting: str, problems: Problems) -> Table:
    """`budget.steps=10` as the mapping that a file would have.

    Raises:
        SpecError: it is no KEY=VALUE, or the value is none.
    """
    key, equals, value = setting.partition("=")
    key, file = key.strip(), f"--set {setting}"
    mark = Mark(file, 1, 1)
    if not equals or not _KEY.fullmatch(key) or not value.strip():
        message = f"{quote(setting)} is no KEY=VALUE"
        raise SpecError.single(mark, "E101", message, hint="such as budget.steps=10")
    if key == "base":
        hint = "name the protocol that it is: --protocol NAME"
        raise SpecError.single(mark, "E105", "`base` is of a file and cannot be set", hint=hint)
    node: Node = parse(value, file, problems)
    for name in reversed(key.split(".")):
        node = Table({name: node}, {name: mark}, mark)
    assert isinstance(node, Table), "a key has at least one word"
    return node

"""A protocol file becomes a `Protocol`; every problem of the file is reported at once, with its place."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from suite.protocols.budget import BUDGETS, Budget, Checkpoints
from suite.protocols.loading import Cache, parse_cache
from suite.protocols.overlay import asked_for, overlaid, setting_table
from suite.protocols.protocol import Protocol
from suite.protocols.setups import Setup, setups
from suite.record import Json
from suite.yaml.document import Node, Table, parse, read_bytes, shown_path
from suite.yaml.errors import Problems, SpecError, suggest
from suite.yaml.forms import Schema
from suite.yaml.reader import Reader
from suite.yaml.records import Check, Decoder, Entries
from suite.yaml.schemas import Schemas, required
from suite.yaml.shapes import Special

FOLDER = Path(__file__).parent
MAX_BASES = 8
_CACHE = "^(none|ram:.+|disk:.+)$"


def names() -> tuple[str, ...]:
    """The protocols that come with the suite."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))


def load(name_or_path: str, settings: Sequence[str] = ()) -> Protocol:
    """The protocol of that name, or of that file if the text ends in .yaml.

    Args:
        name_or_path: either, with settings behind it if need be: `smoke[budget.steps=10]`.
        settings: KEY=VALUE each, which take the place of what the file states; they are part of the protocol's name.

    Raises:
        SpecError: there is no such protocol, or its file or a setting has mistakes; all of them are listed.

    Example:
        >>> load("smoke").budget.steps
        60
        >>> load("smoke", ["budget.steps=10"]).name
        'smoke[budget.steps=10]'
    """
    asked = asked_for(name_or_path, settings)
    sources: dict[str, Sequence[str]] = {}
    problems = Problems(sources)
    path = _path(asked.name, Path())
    root = _tree(path, problems, sources, ())
    name = path.stem
    if asked.settings:
        name = f"{name}[{','.join(asked.settings)}]"
        for setting in asked.settings:
            table = setting_table(setting, problems)
            root = overlaid(root, table) if isinstance(root, Table) else root
    protocol = ProtocolDecoder(Reader(problems)).record(Protocol, root, "a protocol", name=name)
    problems.raise_if_any()
    assert protocol is not None, "a file without a problem has a record"
    return protocol


def _path(name: str, folder: Path) -> Path:
    """The file of a shipped protocol, or a file of the user's, relative to a folder."""
    if name.endswith((".yaml", ".yml")):
        return folder / name
    if name not in names():
        hint = suggest(name, names())
        raise SpecError.single(None, "E201", f"there is no protocol {name!r}", hint=hint)
    return FOLDER / f"{name}.yaml"


def _tree(
    path: Path, problems: Problems, sources: dict[str, Sequence[str]], chain: tuple[Path, ...]
) -> Node:
    """A file's tree, laid over that of its base; `chain` are the files that build on it."""
    file = shown_path(path)
    text = read_bytes(path).decode("utf-8", errors="replace")
    sources[file] = text.splitlines()
    root = parse(text, file, problems)
    if not isinstance(root, Table) or "base" not in root.entries:
        return root
    own = Table(
        {key: node for key, node in root.entries.items() if key != "base"},
        {key: mark for key, mark in root.keys.items() if key != "base"},
        root.mark,
    )
    node = root.entries["base"]
    name = Reader(problems).word(node, "`base`")
    if name is None:
        problems.raise_if_any()
    chain = (*chain, path.resolve())
    try:
        asked = asked_for(str(name))
        below = _path(asked.name, path.parent)
    except SpecError as error:
        raise SpecError(replace(problem, mark=node.mark) for problem in error.problems) from None
    if below.resolve() in chain or len(chain) > MAX_BASES:
        message = f"the bases go in a circle or too far: {below.name}"
        raise SpecError.single(node.mark, "E209", message)
    base = _tree(below, problems, sources, chain)
    if not isinstance(base, Table):
        return base
    for setting in asked.settings:
        base = overlaid(base, setting_table(setting, problems))
    return overlaid(base, own)


def _setup(decoder: Decoder, node: Node, called: str) -> Setup | None:
    word = decoder.reader.choice(node, called, setups())
    return None if word is None else setups()[word]


def _cache(decoder: Decoder, node: Node, called: str) -> Cache | None:
    text = decoder.reader.text(node, called)
    if text is None:
        return None
    try:
        return parse_cache(text)
    except ValueError as error:
        decoder.reader.problems.add(node.mark, "E101", f"{called}: {error}")
        return None


def _check_budget(budget: Entries) -> None:
    stated = [kind for kind in BUDGETS if kind in budget.table.entries]
    if len(stated) != 1:
        these = " and ".join(stated) or "none"
        message = f"{budget.called} has exactly one of {', '.join(BUDGETS)}, not {these}"
        budget.report("", "E105" if stated else "E103", message)


def _check_checkpoints(checkpoints: Entries) -> None:
    if len(checkpoints.table.entries) != 1:
        checkpoints.report("", "E105", f"{checkpoints.called} has one of minutes, steps")


def _one_of(keys: Sequence[str]) -> Schema:
    """That a mapping has exactly one of some keys."""
    return {"oneOf": list[Json](required([key]) for key in keys)}


def schema(title: str) -> Schema:
    """The JSON Schema of protocols: a file that has a `base` states what it changes, another one everything."""
    whole = Schemas(ProtocolDecoder).document(Protocol, title)
    changes = _relaxed(whole)
    assert isinstance(changes, dict)
    stated: dict[str, Json] = {key: node for key, node in whole.items() if key[0] != "$"}
    without_base: Schema = {"if": {"not": required(["base"])}, "then": stated}
    return {**changes, "allOf": [without_base]}


def _relaxed(node: Json) -> Json:
    """A schema of which no key has to be there."""
    if isinstance(node, list):
        return [_relaxed(each) for each in node]
    if not isinstance(node, dict):
        return node
    dropped = {"required", "oneOf"} if node.get("type") == "object" else set()
    return {key: _relaxed(each) for key, each in node.items() if key not in dropped}


class ProtocolDecoder(Decoder):
    """Decodes protocols: set-ups that the runtimes' files offer, caches, and one budget of four."""

    specials: ClassVar[Mapping[str, Special]] = {
        "setup": Special(_setup, lambda: {"enum": list[Json](setups())}),
        "cache": Special(_cache, lambda: {"type": "string", "pattern": _CACHE}),
    }
    checks: ClassVar[Mapping[type[Any], Check]] = {
        Budget: Check(_check_budget, _one_of(BUDGETS)),
        Checkpoints: Check(_check_checkpoints, _one_of(("minutes", "steps"))),
    }

    def report_missing(self, table: Table, called: str, keys: Sequence[str]) -> None:  # noqa: ARG002
        """Say that a mapping lacks keys, each on its own."""
        for key in keys:
            self.reader.problems.add(table.mark, "E103", f"needs the key {key!r}")

"""A protocol file becomes a `Protocol`; every problem of the file is reported at once, with its place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from suite.protocols.budget import BUDGETS, Budget, Checkpoints
from suite.protocols.loading import Cache, parse_cache
from suite.protocols.protocol import Protocol
from suite.protocols.setups import Setup, setups
from suite.record import Json
from suite.yaml.document import Node, Table, parse, read_bytes, shown_path
from suite.yaml.errors import Problems, SpecError, suggest
from suite.yaml.forms import Schema
from suite.yaml.reader import Reader
from suite.yaml.records import Check, Decoder, Entries
from suite.yaml.schemas import required
from suite.yaml.shapes import Special

FOLDER = Path(__file__).parent
_CACHE = "^(none|ram:.+|disk:.+)$"


def names() -> tuple[str, ...]:
    """The protocols that come with the suite."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))


def load(name_or_path: str) -> Protocol:
    """The protocol of that name, or of that file if the text ends in .yaml.

    Raises:
        SpecError: there is no such protocol, or its file has mistakes; all of them are listed.

    Example:
        >>> load("smoke").budget.steps
        60
    """
    if name_or_path.endswith((".yaml", ".yml")):
        return _load(Path(name_or_path))
    if name_or_path not in names():
        hint = suggest(name_or_path, names())
        raise SpecError.single(None, "E201", f"there is no protocol {name_or_path!r}", hint=hint)
    return _load(FOLDER / f"{name_or_path}.yaml")


def _load(path: Path) -> Protocol:
    file = shown_path(path)
    text = read_bytes(path).decode("utf-8", errors="replace")
    problems = Problems({file: text.splitlines()})
    decoder = ProtocolDecoder(Reader(problems))
    protocol = decoder.record(Protocol, parse(text, file, problems), "a protocol", name=path.stem)
    problems.raise_if_any()
    assert protocol is not None, "a file without a problem has a record"
    return protocol


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

"""What the options of `new` say: a selector and what is done with it, each at most once."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import click

from suite.record import Json
from suite.spec.records.steps import Verb
from suite.spec.views.draft import DraftEdit, read_block, read_options, read_selector

T = TypeVar("T")
PAIRS: Mapping[Verb, str] = {"replace": "with", "set": "to"}
SELECTOR, BLOCK = "SELECTOR", "BLOCK[,OPTION=VALUE]..."


def edit_options(function: Callable[..., T]) -> Callable[..., T]:
    """The options of edits, by the verbs and companions of the language."""
    rows = (
        ("insert", BLOCK, "A layer that is put in, --after or --before the layers of a selector."),
        ("after", SELECTOR, "Where --insert puts it; it takes over the layer's tag and channels."),
        ("before", SELECTOR, "Where --insert puts it."),
        (
            "replace",
            SELECTOR,
            "Layers, or convolutions inside them, that another block takes the place of.",
        ),
        ("with", BLOCK, "What --replace puts in their place; options of equal name carry over."),
        ("remove", SELECTOR, "Layers that are taken out."),
        ("set", SELECTOR, "Layers of which --to changes numbers and options."),
        ("to", "OPTION=VALUE...", "What --set makes of them."),
    )
    for name, kind, text in reversed(rows):
        function = click.option(f"--{name}", f"{name}_", metavar=kind, help=text)(function)
    return function


def read_edits(texts: Mapping[str, str | None]) -> tuple[DraftEdit, ...]:
    """The edits that are asked for, in the order replace, insert, remove, set.

    Raises:
        click.UsageError: an option lacks its companion, or cannot be read.
    """
    given = {name.rstrip("_"): text for name, text in texts.items() if text is not None}
    edits = [_paired(given, "replace", read_block), _inserted(given)]
    if "remove" in given:
        edits.append(DraftEdit("remove", _read(given, "remove", read_selector)))
    edits.append(_paired(given, "set", read_options))
    return tuple(edit for edit in edits if edit)


def read_backbone(option: str, text: str) -> dict[str, Json]:
    """A block with options; click.UsageError, which names the option, if it is none."""
    return _read({option: text}, option, read_block)


def _paired(
    given: Mapping[str, str], verb: Verb, read: Callable[[str], dict[str, Json]]
) -> DraftEdit | None:
    companion = PAIRS[verb]
    if (verb in given) != (companion in given):
        raise click.UsageError(f"--{verb} and --{companion} belong together")
    if verb not in given:
        return None
    return DraftEdit(verb, _read(given, verb, read_selector), _read(given, companion, read))


def _inserted(given: Mapping[str, str]) -> DraftEdit | None:
    sides = [side for side in ("after", "before") if side in given]
    if ("insert" in given) != (len(sides) == 1) or len(sides) > 1:
        raise click.UsageError("--insert needs either --after or --before, and they need --insert")
    if not sides:
        return None
    select = _read(given, sides[0], read_selector)
    return DraftEdit("insert", select, _read(given, "insert", read_block), sides[0])


def _read(
    given: Mapping[str, str], option: str, read: Callable[[str], dict[str, Json]]
) -> dict[str, Json]:
    try:
        return read(given[option])
    except ValueError as error:
        raise click.UsageError(f"--{option}: {error}") from None

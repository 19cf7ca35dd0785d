"""What is said of modules beyond YOLOv5's own: those that are taken over, and those that are not read from rows."""

from collections.abc import Sequence

from suite.spec.blocks.signatures import Signatures
from suite.spec.yolov5.model_file import Row
from suite.spec.yolov5.tables import (
    ALIASES,
    BLOCKS,
    CONCAT,
    EXACT,
    HEADS,
    KEEPERS,
    MODULES,
    ZERO_PAD,
)
from suite.yaml.errors import quote, suggest

_READ = (*MODULES, *BLOCKS, *KEEPERS, *HEADS, CONCAT, ZERO_PAD)
_LISTED = "docs/language.md lists the modules that are read"
_HINTS = {
    "nn.Conv2d": "before v3.0 the read-outs of the head were rows; leave them out, and let Detect read their inputs",
    "SPPCSP": "it is YOLOv4's, another block than YOLOv7's SPPCSPC; it would be a block file of your own",
    "Segment": "the suite trains detectors; a model file of one ends with Detect",
}


def unknown_module(row: Row, signatures: Signatures) -> tuple[str, str]:
    """The complaint about a row whose module is not read, and what to do."""
    where = f"row {row.index} is of the module {quote(row.module)}"
    spelt = next((name for name in _READ if name.lower() == row.module.lower()), "")
    if spelt:
        return f"{where}, which has no counterpart here", f"did you mean {spelt!r}?"
    address = _suites_own(row.module, signatures)
    if address:
        message = f"{where}; the suite has {address}, whose arguments are not read from rows"
        return message, way_by_edits(address, signatures)
    return f"{where}, which has no counterpart here", _HINTS.get(row.module) or _nearest(row.module)


def way_by_edits(address: str, signatures: Signatures) -> str:
    """How a block of the suite gets into an imported network whose row cannot be read."""
    kind = signatures.get(address).kind
    if kind == "head":
        return f"import the file with Detect, then write {{block: {address}}} as its head"
    if kind == "operator":
        return f"import the file with Conv in its place, then `edits` that replace it with {{block: {address}}}"
    return f"import the file without the row, then `edits` that insert {{block: {address}}}"


def taken_from_others(rows: Sequence[Row]) -> list[str]:
    """A warning for each name under which other people's code differs from the block that is taken for it."""
    found: dict[str, list[int]] = {}
    for row in rows:
        if row.module not in EXACT and (row.module in BLOCKS or row.module in KEEPERS):
            found.setdefault(row.module, []).append(row.index)
    return [_taken(module, numbers) for module, numbers in found.items()]


def _taken(module: str, numbers: Sequence[int]) -> str:
    block = BLOCKS[module].block if module in BLOCKS else KEEPERS[module].block
    word = "row" if len(numbers) == 1 else "rows"
    listed = ", ".join(map(str, numbers))
    return (
        f"{word} {listed}: {module} is taken as {block}, which goes by its paper; the code of others under that "
        "name may differ in details, so compare the parameters"
    )


def _suites_own(module: str, signatures: Signatures) -> str:
    """The block of the suite that a module is named after; "" if there is none."""
    if module in ALIASES:
        return ALIASES[module]
    wanted = _bare(module)
    named = [
        address for address in signatures.addresses() if _bare(address.partition(".")[2]) == wanted
    ]
    if len(named) != 1:
        return ""
    stem, _, name = named[0].partition(".")
    says_enough = stem == name.lower() or sum(letter.isupper() for letter in name) > 1
    return named[0] if says_enough else ""


def _bare(name: str) -> str:
    word = "".join(filter(str.isalnum, name)).lower()
    return word.removesuffix("attention").removesuffix("2d") or word


def _nearest(module: str) -> str:
    """The nearest name, unless it is shorter: what somebody added letters to is a block of its own."""
    hint = suggest(module, _READ)
    name = hint.removeprefix("did you mean ").strip("'?")
    return hint if name in _READ and len(name) >= len(module) else _LISTED

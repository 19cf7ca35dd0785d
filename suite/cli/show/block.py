"""`show BLOCK`: what a block is, what it reads and gives, and its options."""

from collections.abc import Sequence
from pathlib import Path

import click

from suite.cli.output import ExitCode, Refusal, reply, table
from suite.record import Json
from suite.spec.blocks.pages import BlockPage, Option, block_page
from suite.spec.blocks.signatures import Signatures, default_signatures
from suite.spec.language.decode import read_text
from suite.spec.records.blockfile import BlockFile
from suite.spec.userblocks import Scope
from suite.yaml.document import shown_path

_KINDS = {
    "block": "a block, for lines of backbone and neck",
    "operator": "an operator, which takes the place of convolutions inside blocks",
    "head": "a head, for the one line of `head`",
}


def find_blocks(name: str) -> tuple[BlockPage, ...]:
    """The pages that a name stands for: an address, a class, a block file of the suite's or of the user's; () if none.

    Raises:
        SpecError: the address has a block file, and no such class; or the user's file cannot be read.
        Refusal: several blocks are called so.
    """
    if name.endswith(".py"):
        return _of_file(Path(name))
    signatures = default_signatures()
    stem, dot, _ = name.partition(".")
    if dot and stem in signatures.stems():
        return (block_page(signatures.get(name)),)
    if stem in signatures.stems():
        return _pages(signatures, [each for each in signatures.addresses() if _is_in(each, stem)])
    called = [
        each for each in signatures.addresses() if each.partition(".")[2].lower() == name.lower()
    ]
    if len(called) > 1:
        message = f"several blocks are called {name}: {', '.join(called)}"
        raise Refusal(ExitCode.USAGE, message)
    return _pages(signatures, called)


def show_blocks(pages: Sequence[BlockPage], *, as_json: bool) -> None:
    """Print the pages, or reply with them."""
    if as_json:
        reply("show", {"blocks": [_json(page) for page in pages]})
        return
    for index, page in enumerate(pages):
        if index:
            click.echo()
        _print(page)


def _of_file(path: Path) -> tuple[BlockPage, ...]:
    file = BlockFile(str(path.absolute()), read_text(path), trusted=False)
    scope = Scope(default_signatures(), [file])
    return _pages(scope, [each for each in scope.addresses() if _is_in(each, path.stem)])


def _pages(signatures: Signatures, addresses: Sequence[str]) -> tuple[BlockPage, ...]:
    return tuple(block_page(signatures.get(address)) for address in addresses)


def _is_in(address: str, stem: str) -> bool:
    return address.partition(".")[0] == stem


def _print(page: BlockPage) -> None:
    signature = page.signature
    click.echo(f"{signature.address}: {_KINDS[signature.kind]}")
    click.echo(page.about)
    click.echo(f"\n{page.text}\n")
    if page.shapes:
        click.echo(f"shapes: {page.shapes}")
    click.echo(f"inputs: {_inputs(page)}")
    if signature.assigners:
        click.echo(f"assigners: {', '.join(signature.assigners)}")
    click.echo(f"source: {shown_path(signature.file)}:{page.line}")
    rows = [*_keys(page), *((each.name, each.type, _default(each)) for each in page.options)]
    if rows:
        click.echo()
        table(("OPTION", "TYPE", "DEFAULT"), rows)
    click.echo(f"\n{_example(page)}")


def _inputs(page: BlockPage) -> str:
    if page.signature.kind == "operator":
        return "the map of the convolution whose place it takes"
    if page.signature.multi_input:
        return "several maps, handed over as a list in the order of `inputs`"
    return "one map; where `inputs` names several, they are concatenated on channels first"


def _keys(page: BlockPage) -> list[tuple[str, str, str]]:
    """The language's own keys that the block takes."""
    signature = page.signature
    if signature.kind == "operator":
        return []
    number = "a whole number"
    rows = []
    if signature.takes_out:
        rows.append(("out", number, "needed"))
    if signature.kind == "block":
        does = "handed to the block" if signature.takes_repeat else "so many copies are stacked"
        rows.append(("repeat", f"{number}; {does}", "1"))
    if signature.takes_stride:
        rows.append(("stride", number, str(signature.stride)))
    return rows


def _default(option: Option) -> str:
    if option.needed:
        return "needed"
    if option.computed:
        return "worked out by the block"
    return _written(option.default)


def _written(value: Json) -> str:
    """A value as YAML has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return str(value) if value != "" else '""'


def _example(page: BlockPage) -> str:
    """A line, or an edit, that uses the block."""
    signature = page.signature
    needed = "".join(f", {option.name}: …" for option in page.options if option.needed)
    if signature.kind == "operator":
        return f"- replace: {{kernel: 3}}\n  with: {{block: {signature.address}{needed}}}"
    out = ", out: 64" if signature.takes_out else ""
    several = {"head": ", inputs: [n3, n4, n5]"}.get(signature.kind, "")
    if signature.multi_input and not several:
        several = ", inputs: [last, p4]"
    return f"- {{block: {signature.address}{out}{several}{needed}}}"


def _json(page: BlockPage) -> Json:
    signature = page.signature
    takes = {key: getattr(signature, f"takes_{key}") for key in ("out", "repeat", "stride")}
    options: list[Json] = [
        {
            "name": option.name,
            "type": option.type,
            "default": option.default,
            "needed": option.needed,
        }
        for option in page.options
    ]
    return {
        "address": signature.address,
        "kind": signature.kind,
        "about": page.about,
        "text": page.text,
        "shapes": page.shapes,
        "several_maps": signature.multi_input,
        "takes": takes,
        "options": options,
        "file": shown_path(signature.file),
        "line": page.line,
    }

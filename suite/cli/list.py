"""`list`: the variants that there are."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import click

from suite.cli.errors import print_problems, problem_json
from suite.cli.library import identity_json, open_library
from suite.cli.options import json_option, names_argument, variants_option
from suite.cli.output import ExitCode, reply, table
from suite.record import Json
from suite.session.variants import open_match
from suite.spec.blocks.pages import block_page
from suite.spec.blocks.signatures import default_signatures
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.yaml.errors import NoMatchError, Problem, SpecError, quote, suggest


@click.command("list")
@names_argument()
@variants_option
@click.option("--blocks", is_flag=True, help="List the blocks, operators and heads instead.")
@json_option
def command(names: tuple[str, ...], variants: tuple[Path, ...], blocks: bool, as_json: bool) -> int:
    """List variants: name, title, base, and the variant that differences refer to.

    NAME may be a glob; without any, all are listed. A file with mistakes is named on stderr, and the rest is listed.
    With --blocks it is one of blocks' addresses, such as 'ghost.*'.
    """
    if blocks:
        return _list_blocks(names, as_json=as_json)
    listed, problems = _collect(open_library(variants), names)
    if as_json:
        errors = [problem_json(problem) for problem in problems]
        reply("list", [_json(variant) for variant in listed], errors)
    else:
        rows = [
            (variant.name, _title(variant), variant.base, variant.baseline) for variant in listed
        ]
        table(("NAME", "TITLE", "BASE", "BASELINE"), rows)
        print_problems(problems)
    return ExitCode.USAGE if problems else ExitCode.DONE


def _list_blocks(patterns: Sequence[str], *, as_json: bool) -> int:
    """A line a block; NoMatchError where a pattern fits none."""
    signatures = default_signatures()
    addresses = signatures.addresses()
    for pattern in patterns:
        if not any(fnmatchcase(address, pattern) for address in addresses):
            message = f"no block fits {quote(pattern)}"
            raise NoMatchError.single(None, "E210", message, hint=suggest(pattern, addresses))
    chosen = [
        address
        for address in addresses
        if not patterns or any(fnmatchcase(address, pattern) for pattern in patterns)
    ]
    pages = [block_page(signatures.get(address)) for address in chosen]
    rows = [(page.signature.address, page.signature.kind, page.summary) for page in pages]
    if as_json:
        keys = ("address", "kind", "summary")
        reply("list", [dict(zip(keys, row, strict=True)) for row in rows])
    else:
        table(("BLOCK", "KIND", "WHAT IT IS"), rows)
    return ExitCode.DONE


def _collect(
    library: Library, names: Sequence[str]
) -> tuple[tuple[Variant, ...], tuple[Problem, ...]]:
    """The chosen variants; without names all that are sound, and the problems of the others."""
    if names:
        return library.select(names), ()
    sound: list[Variant] = []
    for name in library.names():
        try:
            sound.append(library.load(name))
        except SpecError:  # in problems()
            continue
    return tuple(sound), library.problems()


def _title(variant: Variant) -> str:
    """With a word for those whose width is not known yet."""
    return f"{variant.title} (matched at build)" if open_match(variant.match) else variant.title


def _json(variant: Variant) -> Json:
    return {**identity_json(variant), "match": open_match(variant.match) or None}

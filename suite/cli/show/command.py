"""`show`: a variant with all that it inherits."""

import os
from collections.abc import Mapping
from dataclasses import replace

import click

from suite.cli.binding import bound
from suite.cli.library import final, identity_json, open_library
from suite.cli.options import json_option
from suite.cli.output import reply
from suite.cli.show.options import OPTIONS, ShowOptions
from suite.record import Json
from suite.session.variants import open_match
from suite.spec.records.variant import Variant
from suite.spec.views.write import write


@click.command("show")
@bound(ShowOptions, OPTIONS)
@json_option
def command(options: ShowOptions, *, as_json: bool) -> None:
    """Print the resolved spec of NAME, a variant or a file; or what there is to know of a block, such as sppf.SPPF.

    Comments of a spec say where each line is from, and all its numbers are final. The text is itself a spec file: it
    describes the same network without a base. --layers, --diff and --svg build the network instead, with 80 classes and
    for images of 640 x 640; --weights builds it too, and says what of the file each stage would start from.
    """
    if options.name is None and options.other:
        options = replace(options, name=options.other, other="")  # `show --diff NAME`
    name = options.name
    if name is None:
        raise click.UsageError("name a variant or a file")
    if (
        not options.builds
        and _may_be_block(name)
        and name not in open_library(options.variants).names()
    ):
        from suite.cli.show.block import find_blocks, show_blocks  # variants do without

        pages = find_blocks(name)
        if pages:
            show_blocks(pages, as_json=as_json)
            return
    allow_code = options.allow_code if options.builds else None
    library = open_library(options.variants, allow_code=allow_code)
    variant = library.load(name)
    if options.builds:
        from suite.cli.show.views import show_views  # brings torch, which the spec does without

        show_views(library, final(variant, library), options, as_json=as_json)
    elif as_json:
        reply("show", _json(variant, library.origins(name)))
    else:
        _print(variant, library.origins(name))


def _may_be_block(name: str) -> bool:
    """Whether a name can be that of a block, or of a file with blocks, and is not one of a variant's file."""
    return name.endswith(".py") or not (name.endswith(".yaml") or os.sep in name)


def _print(variant: Variant, origins: Mapping[str, str]) -> None:
    if variant.base:
        deltas = "a baseline itself"
        if variant.baseline:
            deltas = f"differences refer to {variant.baseline}"
        click.echo(f"# {variant.name}: based on {variant.base}, {deltas}")
    matched = open_match(variant.match)
    if matched:
        click.echo(f"# {matched}; the numbers below are those of width 1")
    click.echo(write(variant, origins), nl=False)


def _json(variant: Variant, origins: Mapping[str, str]) -> Json:
    expect = variant.expect
    return {
        **identity_json(variant),
        "architecture": variant.architecture,
        "expect": {
            "strides": list(expect.strides) if expect.strides is not None else None,
            "params": expect.params,
            "gmacs": expect.gmacs,
        },
        "origins": dict(origins),
    }

"""`show`: a variant with all that it inherits."""

from collections.abc import Mapping
from pathlib import Path

import click

from suite.cli.options import json_option, name_argument, open_library, variants_option
from suite.cli.output import reply
from suite.record import Json
from suite.spec.variant import Variant
from suite.spec.write import write


@click.command("show")
@name_argument
@variants_option
@json_option
def command(name: str, variants: tuple[Path, ...], as_json: bool) -> None:
    """Print the resolved spec of NAME, a variant or a file; comments say where each line is from.

    All numbers are final. The text is itself a spec file: it describes the same network without a base.
    """
    library = open_library(variants)
    variant = library.load(name)
    if as_json:
        reply("show", _json(variant, library.origins(name)))
        return
    if variant.base:
        deltas = f"differences refer to {variant.baseline}" if variant.baseline else "a baseline itself"
        click.echo(f"# {variant.name}: based on {variant.base}, {deltas}")
    click.echo(write(variant, library.origins(name)), nl=False)


def _json(variant: Variant, origins: Mapping[str, str]) -> Json:
    expect = variant.expect
    return {
        "name": variant.name,
        "title": variant.title,
        "paper": variant.paper,
        "base": variant.base,
        "baseline": variant.baseline,
        "control": variant.control,
        "fingerprint": variant.fingerprint,
        "architecture": variant.architecture,
        "expect": {
            "strides": list(expect.strides) if expect.strides is not None else None,
            "params": expect.params,
            "gmacs": expect.gmacs,
        },
        "origins": dict(origins),
    }

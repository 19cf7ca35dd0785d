"""`schema`: the language for editors."""

import json

import click

from suite.cli.options import json_option
from suite.cli.output import reply
from suite.spec.blocks.signatures import default_signatures
from suite.spec.language.schema import schema


@click.command("schema")
@json_option
def command(as_json: bool) -> None:
    """Print the JSON Schema of variant files; schema/variant.schema.json is this, committed.

    Editors that speak yaml-language-server complete keys, verbs, blocks and each block's own options by it.
    """
    found = schema(default_signatures())
    if as_json:
        reply("schema", found)
    else:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))

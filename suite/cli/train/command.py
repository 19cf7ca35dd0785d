"""`train`: one variant, outside any protocol and store; for trying things."""

from dataclasses import replace

import click

from suite.cli.library import final, open_library
from suite.cli.options import json_option
from suite.cli.train.options import Options, train_options
from suite.spec.solve.anchors import require_sizes
from suite.train.recipe import recipe


@click.command("train")
@train_options
@json_option
def command(options: Options, *, as_json: bool) -> int:
    """Train one variant, evaluate it and write its weights, without touching the store.

    While it trains, a checkpoint is written from time to time; `--resume` goes on from it as if nothing had been. The
    curve is in a CSV file beside the weights. Started by `torchrun`, several processes share every batch.
    """
    budget = options.budget
    library = open_library(options.variants, allow_code=options.allow_code)
    variant = final(library.load(options.name), library)
    require_sizes(variant)
    if options.weights:
        variant = replace(variant, weights=str(options.weights.absolute()))
    chosen = recipe(options.recipe_name)
    if options.deterministic:
        chosen = replace(chosen, deterministic=True)
    from suite.cli.train.carry_out import carry_out

    return carry_out(options, variant, chosen, budget, as_json=as_json)

"""`show`: a variant with all that it inherits."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from suite.cli.library import final, open_library
from suite.cli.options import (
    allow_code_option,
    complete_name,
    json_option,
    variants_option,
    weights_option,
)
from suite.cli.output import ExitCode, Refusal, reply
from suite.record import Json
from suite.session.variants import open_match
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.spec.views.write import write


@click.command("show")
@click.argument("name", required=False, shell_complete=complete_name)
@variants_option
@allow_code_option
@click.option(
    "--layers",
    is_flag=True,
    help="Build it, and print each layer's shape, stride, parameters and MACs.",
)
@click.option(
    "--diff", "other", is_flag=False, flag_value="", metavar="[OTHER]",
    help="Build both, and print what differs from OTHER; without it, from the baseline or base.",
)  # fmt: skip
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Build it, and draw the graph with what differs from the base (or from --diff OTHER) marked.",
)  # fmt: skip
@weights_option
@json_option
def command(
    name: str | None,
    variants: tuple[Path, ...],
    *,
    layers: bool,
    other: str | None,
    svg: Path | None,
    weights: Path | None,
    allow_code: bool,
    as_json: bool,
) -> None:
    """Print the resolved spec of NAME, a variant or a file; comments say where each line is from.

    All numbers are final. The text is itself a spec file: it describes the same network without a base. --layers,
    --diff and --svg build the network instead, with 80 classes and for images of 640 x 640; --weights builds it too,
    and says what of the file each stage would start from.
    """
    if name is None and other:
        name, other = other, ""  # `show --diff NAME`
    if name is None:
        raise click.UsageError("name a variant or a file")
    wish = _Wish(layers, other, svg, weights, as_json)
    library = open_library(variants, allow_code=allow_code if wish.builds else None)
    variant = library.load(name)
    if wish.builds:
        found = _built(library, final(variant, library), wish)
        if as_json:
            reply("show", {"name": variant.name, **found})
        return
    if as_json:
        reply("show", _json(variant, library.origins(name)))
        return
    if variant.base:
        deltas = (
            f"differences refer to {variant.baseline}" if variant.baseline else "a baseline itself"
        )
        click.echo(f"# {variant.name}: based on {variant.base}, {deltas}")
    if words := open_match(variant.match):
        click.echo(f"# {words}; the numbers below are those of width 1")
    click.echo(write(variant, library.origins(name)), nl=False)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be shown of the built network; `other` is "" for the base and None for no comparison."""

    layers: bool
    other: str | None
    svg: Path | None
    weights: Path | None
    as_json: bool

    @property
    def builds(self) -> bool:
        """Whether anything but the spec itself is to be shown."""
        return (
            self.layers
            or self.other is not None
            or self.svg is not None
            or self.weights is not None
        )


def _built(library: Library, variant: Variant, wish: _Wish) -> dict[str, Json]:
    """Show the views that are wished for, or give them as JSON."""
    from suite.cli.show.diff import diff_json, print_diff
    from suite.cli.show.drawing import write_drawing
    from suite.cli.show.layers import layers_json, print_layers
    from suite.cli.show.network import build_network
    from suite.cli.show.weights import show_weights

    found: dict[str, Json] = {}
    if wish.weights:
        found["weights"] = show_weights(variant, wish.weights, quiet=wish.as_json)
    if not (wish.layers or wish.svg or wish.other is not None):
        return found
    network = build_network(variant)
    if wish.layers and wish.as_json:
        found["layers"] = layers_json(network)
    elif wish.layers:
        print_layers(network)
    reference = wish.other or variant.baseline or variant.base
    if wish.other is not None and not reference:
        raise Refusal(ExitCode.USAGE, f"{variant.name} has no base; name a variant: --diff OTHER")
    compared = (
        final(library.load(reference), library)
        if reference and (wish.svg or wish.other is not None)
        else None
    )
    other = build_network(compared) if compared else None
    if other and wish.other is not None and wish.as_json:
        found["diff"] = diff_json(network, other)
    elif other and wish.other is not None:
        print_diff(network, other)
    if wish.svg:
        write_drawing(wish.svg, network, other)
        found["svg"] = str(wish.svg)
    return found


def _json(variant: Variant, origins: Mapping[str, str]) -> Json:
    expect = variant.expect
    return {
        "name": variant.name,
        "title": variant.title,
        "paper": variant.paper,
        "base": variant.base,
        "baseline": variant.baseline,
        "control": variant.control,
        "fingerprint": None if open_match(variant.match) else variant.fingerprint,
        "architecture": variant.architecture,
        "expect": {
            "strides": list(expect.strides) if expect.strides is not None else None,
            "params": expect.params,
            "gmacs": expect.gmacs,
        },
        "origins": dict(origins),
    }

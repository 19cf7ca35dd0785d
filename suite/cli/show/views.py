"""`show --layers`, `--diff`, `--svg`, `--weights`: what is known of a network only by building it."""

from suite.cli.library import final
from suite.cli.output import ExitCode, Refusal, reply
from suite.cli.show.diff import diff_json, print_diff
from suite.cli.show.drawing import write_drawing
from suite.cli.show.layers import layers_json, print_layers
from suite.cli.show.network import Network, build_network
from suite.cli.show.options import ShowOptions
from suite.cli.show.weights import show_weights
from suite.record import Json
from suite.spec.library import Library
from suite.spec.records.variant import Variant


def show_views(library: Library, variant: Variant, options: ShowOptions, *, as_json: bool) -> None:
    """Print the views that are asked for, or give them as JSON.

    Raises:
        Refusal: there is nothing to compare with, or the weights cannot be used.
        SpecError: the variant, or the one it is compared with, does not build.
    """
    views: dict[str, Json] = {"name": variant.name}
    if options.weights:
        views["weights"] = show_weights(variant, options.weights, quiet=as_json)
    if options.draws:
        network = build_network(variant)
        if options.layers:
            views["layers"] = layers_json(network)
            if not as_json:
                print_layers(network)
        other = _reference(library, variant, options)
        if other and options.compares:
            views["diff"] = diff_json(network, other)
            if not as_json:
                print_diff(network, other)
        if options.svg:
            write_drawing(options.svg, network, other)
            views["svg"] = str(options.svg)
    if as_json:
        reply("show", views)


def _reference(library: Library, variant: Variant, options: ShowOptions) -> Network | None:
    """The network that the variant is compared with; None where it is not, or has no base to be drawn beside."""
    name = options.other or variant.baseline or variant.base
    if options.compares and not name:
        raise Refusal(ExitCode.USAGE, f"{variant.name} has no base; name a variant: --diff OTHER")
    if not name or not (options.compares or options.svg):
        return None
    return build_network(final(library.load(name), library))

"""`show --diff`: what a variant has that another has not, and what that costs."""

import os

import click

from suite.cli.output import fancy
from suite.cli.show.network import Network
from suite.record import Json
from suite.spec.views.diff import Difference, Kind, LayerChange, difference

_COLOURS: dict[Kind, str] = {
    "added": "blue",
    "removed": "red",
    "replaced": "yellow",
    "changed": "cyan",
}


def compare(network: Network, other: Network) -> Difference:
    """The difference of two built variants."""
    return difference(network.variant.architecture, other.variant.architecture)


def print_diff(network: Network, other: Network) -> None:
    """One line for each layer, key and replacing operator that differs, then the sums."""
    differences = compare(network, other)
    operators = _operators(network, other)
    coloured = fancy() and "NO_COLOR" not in os.environ
    click.echo(f"{network.variant.name} against {other.variant.name}")
    for change in differences.layers:
        line = str(change)
        click.echo(click.style(line, fg=_COLOURS[change.kind]) if coloured else line)
    for key in differences.whole:
        click.echo(f"* {key}")
    for operator, paths in operators.items():
        click.echo(f"◆ {operator} in the place of {len(paths)} convolutions:")
        for path in paths:
            click.echo(f"    {path}")
    if not (differences.layers or differences.whole or operators):
        click.echo("= layer for layer the same")
    params = _percent(network.params, other.params)
    gmacs = _percent(network.gmacs, other.gmacs)
    click.echo(f"params {other.params:,} → {network.params:,}{params}")
    click.echo(f"GMACs {other.gmacs:.4g} → {network.gmacs:.4g}{gmacs}")


def diff_json(network: Network, other: Network) -> dict[str, Json]:
    """The same as JSON."""
    differences = compare(network, other)
    operators = _operators(network, other)
    return {
        "against": other.variant.name,
        "layers": [_change_json(change) for change in differences.layers],
        "whole": [
            {"key": key.key, "before": key.before, "after": key.after} for key in differences.whole
        ],
        "convolutions": {operator: list[Json](paths) for operator, paths in operators.items()},
        "params": {"before": other.params, "after": network.params},
        "gmacs": {"before": round(other.gmacs, 6), "after": round(network.gmacs, 6)},
    }


def _change_json(change: LayerChange) -> Json:
    return {
        "kind": change.kind,
        "address": change.address or None,
        "was": change.was or None,
        "block": change.block or None,
        "old_block": change.old_block or None,
        "changes": [
            {"key": key.key, "before": key.before, "after": key.after} for key in change.changes
        ],
    }


def _operators(network: Network, other: Network) -> dict[str, list[str]]:
    """The paths of the convolutions that each operator replaces here, and not in the other."""
    by_operator: dict[str, list[str]] = {}
    for path, operator in network.replaced:
        if (path, operator) not in other.replaced:
            by_operator.setdefault(operator, []).append(path)
    return by_operator


def _percent(number: float, other: float) -> str:
    return f" ({100 * (number / other - 1):+.1f} %)" if other else ""

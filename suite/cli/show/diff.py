"""`show --diff`: what a variant has that another has not, and what that costs."""

import os

import click

from suite.cli.output import fancy
from suite.cli.show.network import Network
from suite.record import Json
from suite.spec.views.diff import Difference, Kind, difference

_COLOURS: dict[Kind, str] = {
    "added": "blue",
    "removed": "red",
    "replaced": "yellow",
    "changed": "cyan",
}


def compare(own: Network, other: Network) -> Difference:
    """The difference of two built variants."""
    return difference(own.variant.architecture, other.variant.architecture)


def print_diff(own: Network, other: Network) -> None:
    """One line for each layer, key and replacing operator that differs, then the sums."""
    found = compare(own, other)
    coloured = fancy() and "NO_COLOR" not in os.environ
    click.echo(f"{own.variant.name} against {other.variant.name}")
    for change in found.layers:
        click.echo(click.style(str(change), fg=_COLOURS[change.kind]) if coloured else str(change))
    for key in found.whole:
        click.echo(f"* {key}")
    for operator, paths in _operators(own, other).items():
        click.echo(f"◆ {operator} in the place of {len(paths)} convolutions:")
        for path in paths:
            click.echo(f"    {path}")
    if not (found.layers or found.whole or _operators(own, other)):
        click.echo("= layer for layer the same")
    click.echo(f"params {other.params:,} → {own.params:,}{_percent(own.params, other.params)}")
    click.echo(f"GMACs {other.gmacs:.4g} → {own.gmacs:.4g}{_percent(own.gmacs, other.gmacs)}")


def diff_json(own: Network, other: Network) -> dict[str, Json]:
    """The same as JSON."""
    found = compare(own, other)
    return {
        "against": other.variant.name,
        "layers": [
            {
                "kind": change.kind,
                "address": change.address or None,
                "was": change.was or None,
                "block": change.block or None,
                "old_block": change.old_block or None,
                "changes": [
                    {"key": c.key, "before": c.before, "after": c.after} for c in change.changes
                ],
            }
            for change in found.layers
        ],
        "whole": [{"key": c.key, "before": c.before, "after": c.after} for c in found.whole],
        "convolutions": {
            operator: list[Json](paths) for operator, paths in _operators(own, other).items()
        },
        "params": {"before": other.params, "after": own.params},
        "gmacs": {"before": round(other.gmacs, 6), "after": round(own.gmacs, 6)},
    }


def _operators(own: Network, other: Network) -> dict[str, list[str]]:
    """The paths of the convolutions that each operator replaces here, and not in the other."""
    found: dict[str, list[str]] = {}
    for path, operator in own.replaced:
        if (path, operator) not in other.replaced:
            found.setdefault(operator, []).append(path)
    return found


def _percent(own: float, other: float) -> str:
    return f" ({100 * (own / other - 1):+.1f} %)" if other else ""

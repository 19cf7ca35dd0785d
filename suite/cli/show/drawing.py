"""`show --svg`: the graph as a file of its own."""

from pathlib import Path

from reports.network.boxes import boxes
from reports.network.draw import Drawing, standalone
from suite.cli.output import say
from suite.cli.show.diff import compare
from suite.cli.show.network import Network


def write_drawing(path: Path, own: Network, other: Network | None) -> None:
    """Draw a network; what differs from `other` is marked."""
    found = compare(own, other) if other else None
    drawn = boxes(own.variant.architecture, own.facts, found)
    base = other.variant.name if other else ""
    path.write_text(standalone(Drawing(own.variant.name, drawn, base, found)), encoding="utf-8")
    say(f"wrote {path}")

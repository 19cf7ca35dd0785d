"""`show --svg`: the graph as a file of its own."""

from pathlib import Path

from reports.network.boxes import boxes
from reports.network.draw import Drawing, standalone
from suite.cli.output import say
from suite.cli.show.diff import compare
from suite.cli.show.network import Network
from suite.files import replacing


def write_drawing(path: Path, network: Network, other: Network | None) -> None:
    """Draw a network; what differs from `other` is marked."""
    differences = compare(network, other) if other else None
    drawn = boxes(network.variant.architecture, network.facts, differences)
    base = other.variant.name if other else ""
    drawing = Drawing(network.variant.name, drawn, base, differences)
    with replacing(path, durable=False) as part:
        part.write_text(standalone(drawing), encoding="utf-8")
    say(f"wrote {path}")

"""Every shipped network, drawn beside its base."""

from functools import cache
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from reports.network.boxes import boxes
from reports.network.draw import Drawing, standalone
from reports.network.layout import WIDTH, lay_out
from suite.cli.show.diff import compare
from suite.cli.show.network import Network, build_network
from suite.spec.library import Library

LIBRARY = Library()
CHOSEN = [name for name in LIBRARY.names() if LIBRARY.load(name).match is None]
pytestmark = pytest.mark.slow


@cache
def built(name: str) -> Network:
    return build_network(LIBRARY.load(name))


@pytest.mark.parametrize("name", CHOSEN)
def test_a_drawing_of_any_variant_is_small_and_no_edge_passes_a_box(name: str) -> None:
    variant = LIBRARY.load(name)
    reference = variant.baseline or variant.base
    found = compare(built(name), built(reference)) if reference else None
    drawn = boxes(variant.architecture, built(name).facts, found)

    text = standalone(Drawing(name, drawn, reference, found))
    layout = lay_out(drawn)

    assert sum(box.layers for box in drawn) == len(variant.layers)
    assert ET.fromstring(text) is not None
    assert len(text) < 24_000
    for edge in layout.edges:
        for (x, y), (u, v) in pairwise(edge):
            for p in layout.placed:
                inside_x = max(x, u) > p.x + 0.1 and min(x, u) < p.x + WIDTH - 0.1
                inside_y = max(y, v) > p.y + 0.1 and min(y, v) < p.y + p.height - 0.1
                assert not (inside_x and inside_y), (edge, p.box.address)

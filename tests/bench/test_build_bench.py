"""Speed of building a network from its file, on the meta device and in memory."""

import pytest

from suite.nn.detector import build
from suite.spec.library import Library


@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("name", ["yolov5s"])
def test_building(benchmark, name, device):
    library = Library()

    benchmark.pedantic(lambda: build(library.load(name), device=device), rounds=5, warmup_rounds=1)

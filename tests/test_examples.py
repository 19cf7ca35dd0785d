"""The examples in docstrings say what the functions do."""

import doctest
import importlib

import pytest

MODULES = (
    "suite.evidence",
    "suite.metrics.speed.rounds",
    "suite.metrics.speed.warmup",
    "suite.stats.bootstrap",
    "suite.stats.difference",
    "suite.stats.verdict",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    tried = doctest.testmod(importlib.import_module(name))

    assert tried.attempted > 0
    assert tried.failed == 0

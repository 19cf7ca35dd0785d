"""The examples in docstrings of this package give what they say."""

import doctest
from types import ModuleType

import pytest

from suite.train.losses import assign


@pytest.mark.parametrize("module", [assign], ids=lambda module: module.__name__)
def test_examples_in_docstrings_are_right(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)

    assert tried > 0
    assert failed == 0

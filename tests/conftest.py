"""What one test leaves behind in the process that the next one must not find."""

import sys

import pytest


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Denormals count again: a session that times a network on the processor has them flushed to zero."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)

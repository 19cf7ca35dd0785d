"""A run without a network: what executes jobs only says that it did."""

from pathlib import Path

import pytest

from suite.session import runs
from tests.small_runs import FakeExecutor, protocol_text

PROTOCOL = protocol_text(seeds="[0]", metrics="[size, accuracy]")
JOBS = 4  # two to count, two to train


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> type[FakeExecutor]:
    """The executor of runs; set its `failing` and `interrupted_after` with monkeypatch."""
    monkeypatch.setattr(runs, "LocalExecutor", FakeExecutor)
    monkeypatch.setattr(FakeExecutor, "done", [])
    return FakeExecutor


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(PROTOCOL)
    return file

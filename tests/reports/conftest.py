"""One complete page for all tests that read it: drawing takes seconds."""

import pytest

from reports.page import ReportPaths, write
from tests.reports import fixture_store


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> ReportPaths:
    folder = tmp_path_factory.mktemp("demo")
    return write(fixture_store.build(folder / "store.sqlite"), "latest", folder / "report")


@pytest.fixture(scope="session")
def page(written: ReportPaths) -> str:
    return written.index.read_text(encoding="utf-8")

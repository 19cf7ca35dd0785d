"""No text whatever makes a library raise anything but its own error."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.spec.library import VARIANTS, Library
from suite.yaml.errors import SpecError
from tests.spec.made_specs import FILES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """YOLOv5 alone, which is read faster than all variants."""
    folder = tmp_path_factory.mktemp("variants")
    for name in ("yolov5l", "yolov5n"):
        shutil.copy(VARIANTS / f"{name}.yaml", folder)
    return folder


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.one_of(FILES, st.text(max_size=200)))
def test_no_text_raises_anything_but_spec_error(folder: Path, text: str) -> None:
    (folder / "made.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")

    library = Library((folder,))
    for problem in library.problems():
        str(problem)
    for name in library.names():
        with suppress(SpecError):
            _ = library.load(name).fingerprint
            library.origins(name)

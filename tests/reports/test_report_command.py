"""The command `report`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from suite.cli.main import main
from tests.reports import fixture_store
from tests.reports.fixture_store import VARIANTS, Plan

SMALL = Plan(variants=VARIANTS[:1], train=False, latency=False)


def test_it_prints_the_path_of_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fixture_store.build(tmp_path / "store.sqlite", SMALL)

    code = main(["report", "--out", str(tmp_path)])

    assert (code, capsys.readouterr().out) == (0, f"{tmp_path}/report/index.html\n")


def test_json_names_the_run_and_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture_store.build(tmp_path / "store.sqlite", SMALL)

    main(
        ["report", "--store", str(tmp_path / "store.sqlite"), "--run", "2026-11-22T0301", "--json"]
    )

    data = json.loads(capsys.readouterr().out)["data"]
    assert data["run"] == "2026-11-22T0301"
    assert all(Path(data[key]).is_file() for key in ("index", "csv", "markdown"))


def test_no_store_is_no_data(tmp_path: Path) -> None:
    assert main(["report", "--out", str(tmp_path)]) == 4


def test_an_unknown_run_is_no_data(tmp_path: Path) -> None:
    fixture_store.build(tmp_path / "store.sqlite", SMALL)

    assert main(["report", "--out", str(tmp_path), "--run", "yesterday"]) == 4


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("no store")

    assert main(["report", "--out", str(tmp_path)]) == 5


def test_it_never_imports_torch(tmp_path: Path) -> None:
    fixture_store.build(tmp_path / "store.sqlite", SMALL)
    code = (
        "import sys; from suite.cli.main import main;"
        f"code = main(['report', '--out', {str(tmp_path)!r}]);"
        "sys.exit(code or 'torch' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr

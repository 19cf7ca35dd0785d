"""What the documentation tells a newcomer to type does what it says, in a copy of the project as they have it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "language.md").read_text()
COMMANDS = re.findall(r"^python (run_suite\.py new .*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    for folder in ("suite", "variants"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run_suite.py", root)
    return root


def typed(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_command_writes_the_first_file_of_the_page(checkout: Path) -> None:
    assert typed(checkout, *COMMANDS[0].split()).returncode == 0

    written = (checkout / "variants" / "yolov5s_mine.yaml").read_text().splitlines()
    shown = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0].splitlines()
    assert written[2:] == shown[2:]  # what editors read and the title are words of their own
    assert len(written) <= 8


def test_a_block_of_ones_own_is_one_file_of_at_most_60_lines(checkout: Path) -> None:
    text = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
    (checkout / "suite" / "nn" / "blocks" / "crossmean.py").write_text(text)

    made = typed(checkout, *COMMANDS[1].split())
    checked = typed(checkout, "run_suite.py", "check", "--build", "yolov5s_crossmean")

    assert made.returncode == checked.returncode == 0, made.stderr + checked.stdout
    assert checked.stdout == "1 file, no errors\n"
    assert len(text.splitlines()) <= 60

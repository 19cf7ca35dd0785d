"""What the benchmarks promise of pytest-benchmark: groups by variant, comparison with a stored run, the machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def bench(storage, *options):
    """Run the smallest case in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/bench/test_latency_bench.py",
        "-k",
        "yolov5p and forward and eager",
    ]
    command += [
        "--benchmark-only",
        f"--benchmark-storage=file://{storage}",
        "-p",
        "no:cacheprovider",
        "-q",
        *options,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with one stored run, and its document."""
    folder = tmp_path_factory.mktemp("benchmarks")
    done = bench(folder, "--benchmark-save=first")
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = folder.rglob("*_first.json")
    return folder, file


def test_cases_are_grouped_by_variant(stored):
    document = json.loads(stored[1].read_text())

    assert [case["group"] for case in document["benchmarks"]] == [
        "yolov5p, 128 px, batch 1, one thread"
    ]


def test_the_machine_is_described(stored):
    info = json.loads(stored[1].read_text())["machine_info"]

    assert info["suite"]["class"].startswith(info["suite"]["cpu"])
    assert info["suite"]["torch"]
    assert "hz_actual" not in info["cpu"]


def test_a_run_is_compared_with_a_stored_one(stored):
    done = bench(stored[0], "--benchmark-compare=0001", "--benchmark-compare-fail=median:10000%")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0001_first" in done.stdout
    assert "machine_info is different" not in done.stdout + done.stderr


def test_a_run_that_is_slower_than_the_stored_one_fails(stored):
    folder, file = stored
    document = json.loads(file.read_text())
    stats = document["benchmarks"][0]["stats"]
    stats |= {key: stats[key] / 1000 for key in ("min", "max", "mean", "median")}
    file.with_name("0002_faster.json").write_text(json.dumps(document))

    done = bench(folder, "--benchmark-compare=0002", "--benchmark-compare-fail=median:50%")

    assert done.returncode != 0
    assert "Performance has regressed" in done.stdout + done.stderr

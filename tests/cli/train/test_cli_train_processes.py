"""`train` as `torchrun` starts it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_two_processes_train_one_network_and_one_of_them_speaks(tmp_path: Path) -> None:
    weights = tmp_path / "both.safetensors"
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    train = [
        "run_suite.py",
        "train",
        "yolov5p",
        "--steps",
        "20",
        "--batch",
        "4",
        "--out",
        str(weights),
    ]
    done = subprocess.run(
        [*torchrun, *train],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trained: 20 steps, 80 images") == 1
    assert done.stderr.count("[20/20]") == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "both.curve.csv",
        "both.safetensors",
        "both.safetensors.json",
    ]

"""A run without a network: what executes jobs only says that it did."""

from pathlib import Path

import pytest

from suite.executors import Finished, Started
from suite.jobs import Result
from suite.record import Failure, Measurement
from suite.session import runs
from tests.narrowing import stand_in

PROTOCOL = """\
title: a title
certifies: nothing
data: {train: 2, val: 2, size: 64, seed: 0}
device: cpu
image_size: 64
variants: [yolov5p, yolov5p_wide]
seeds: [0]
recipe: tiny
budget: {steps: 2, batch: 2}
evaluation: {confidence: 0.001, iou: 0.6, max_detections: 100}
metrics: [size, accuracy]
cost: {image_size: 64}
latency:
  {setups: [cpu-fp32], image_size: 64, batch: 1, threads: 1, replicas: 1, seconds: 0.5, half_width: 0.01}
parallel: 2
timeouts: {static: 9, latency: 9, train: 9}
verdict: {ap_floor: 0.004, latency_floor: 0.02, trains: 0.57, broken: 0.15, base_trains: 0.1}
"""
JOBS = 4  # two to count, two to train


class FakeExecutor:
    """Gives every training an AP50 and every other job nothing; remembers what it did.

    A job whose label has `failing` in it fails; after `interrupted_after` jobs the user presses Ctrl-C.
    """

    done: list[str]
    failing = "nothing fails"
    interrupted_after = 100

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, tasks, *, parallel):
        for task in tasks:
            if len(self.done) == self.interrupted_after:
                raise KeyboardInterrupt
            yield Started(task.id)
            self.done.append(task.label)
            measured = (Measurement("ap50", 1, "", "trained", (0.5,)),)
            result: Result | Failure = Result(measured if task.stage == "train" else ())
            if self.failing in task.label:
                result = Failure(task.stage, "oom", "no memory")
            yield Finished(task.id, result, "2026-01-01T00:00:00+00:00", 2.0, stand_in(None))


@pytest.fixture
def executor(monkeypatch) -> type[FakeExecutor]:
    """The executor of runs; set its `failing` and `interrupted_after` with monkeypatch."""
    monkeypatch.setattr(runs, "LocalExecutor", FakeExecutor)
    monkeypatch.setattr(FakeExecutor, "done", [], raising=False)
    return FakeExecutor


@pytest.fixture
def protocol(tmp_path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(PROTOCOL)
    path: Path = file
    return path

"""Runs of seconds for tests: a protocol's text, and an executor that only says that it did the jobs."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Self

from suite.executors import Finished, Started, Task
from suite.jobs import Result
from suite.record import Failure, Measurement
from tests.narrowing import stand_in

_KEYS = {
    "title": "a title",
    "certifies": "nothing",
    "data": "{train: 2, val: 2, size: 64, seed: 0}",
    "device": "cpu",
    "image_size": "64",
    "variants": "[yolov5p, yolov5p_wide]",
    "seeds": "[0, 1]",
    "recipe": "tiny",
    "budget": "{steps: 2, batch: 2}",
    "evaluation": "{confidence: 0.001, iou: 0.6, max_detections: 100}",
    "metrics": "[size, latency, accuracy]",
    "cost": "{image_size: 64}",
    "latency": (
        "{setups: [cpu-fp32], image_size: 64, batch: 1, threads: 1, replicas: 1, "
        "seconds: 0.5, half_width: 0.01}"
    ),
    "parallel": "2",
    "timeouts": "{static: 120, latency: 120, train: 300}",
    "verdict": "{ap_floor: 0.004, latency_floor: 0.02, trains: 0.57, broken: 0.15, base_trains: 0.1}",
}


def protocol_text(**changes: str) -> str:
    """The file of a protocol; `changes` are keys with the YAML text of their values."""
    return "".join(f"{key}: {value}\n" for key, value in {**_KEYS, **changes}.items())


class FakeExecutor:
    """Gives every training an AP50 and every other job nothing; `done` has the labels of what the last one did.

    A job whose label has `failing` in it fails; after `interrupted_after` jobs the user presses Ctrl-C.
    """

    done: ClassVar[list[str]] = []
    failing = "nothing fails"
    interrupted_after = 100

    def __init__(self, *_: object, **__: object) -> None:
        type(self).done = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, tasks: Sequence[Task], *, parallel: int) -> Iterator[Started | Finished]:
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

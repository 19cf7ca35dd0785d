"""What a job's process tells of itself, without a process."""

import json
from pathlib import Path

import pytest

from suite.executors import child
from suite.executors.messages import STATUS


class CodedError(RuntimeError):
    """Knows the code under which it is stored."""

    code = "unequal"


class OutOfMemoryError(RuntimeError):
    """As torch calls that of its GPU allocator."""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("a line\nand another"), "error", "ValueError: a line"),
        (KeyError(), "error", "KeyError"),
        (CodedError("they differ"), "unequal", "they differ"),
        (MemoryError(), "oom", "MemoryError"),
        (OutOfMemoryError("CUDA"), "oom", "OutOfMemoryError: CUDA"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            "oom",
            "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory",
        ),
        (KeyboardInterrupt(), "error", "KeyboardInterrupt"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_exception_becomes_a_record(error: BaseException, code: str, message: str) -> None:
    failure = child.failure(error, "train")

    assert (failure.stage, failure.code, failure.message) == ("train", code, message)


def test_a_message_is_cut_at_500_characters() -> None:
    assert len(child.failure(CodedError("x" * 900), "train").message) == 500


def state(folder: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((folder / STATUS).read_text())
    return document


def test_a_stage_is_told_at_once_and_begins_anew(tmp_path: Path) -> None:
    reporter = child.FileReporter(tmp_path, "build")

    reporter.stage("train")

    assert reporter.current == "train"
    assert state(tmp_path) == {"stage": "train", "done": 0, "total": 0}


def test_progress_is_told_but_not_at_every_step(tmp_path: Path) -> None:
    reporter = child.FileReporter(tmp_path, "train")
    reporter.progress(1, 10)
    reporter.progress(2, 10)

    assert state(tmp_path) == {"stage": "train", "done": 1, "total": 10}
    assert [file.name for file in tmp_path.iterdir()] == [STATUS]

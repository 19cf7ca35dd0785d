"""Files that appear whole or not at all, and locks between processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.files import lock, put_in_place, replacing

HOLDER = """
import sys
from pathlib import Path
from suite.files import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_file_has_its_old_content_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"

    assert path.read_text() == "new"


def test_nothing_is_left_beside_a_file_that_was_replaced(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as part:
        part.write_text("new")

    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_block_that_raises_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as part:
            part.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(FileNotFoundError), replacing(path):
        pass

    assert path.read_text() == "old"


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "a.txt"

    with replacing(path, durable=False) as part:
        part.write_text("new")

    assert path.read_text() == "new"


def test_a_part_is_of_one_process_so_that_two_writers_do_not_mix(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as part:
        part.write_text("new")

        assert str(os.getpid()) in part.name


@pytest.mark.parametrize("durable", [True, False])
def test_content_is_synced_before_its_name_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    part, path = tmp_path / "part", tmp_path / "a.txt"
    part.write_text("new")
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.exists()))

    put_in_place(part, path, durable=durable)

    assert seen == [False] * durable
    assert path.read_text() == "new"


def test_a_lock_that_another_process_holds_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"

        with pytest.raises(BlockingIOError), lock(path, wait=False):
            pass
        other.kill()

    with lock(path, wait=False):  # the kernel freed what the killed process held
        pass


def test_a_lock_is_free_again_when_its_block_ends(tmp_path: Path) -> None:
    with lock(tmp_path / "lock"):
        pass

    with lock(tmp_path / "lock", wait=False) as handle:
        os.write(handle, b"mine")

    assert (tmp_path / "lock").read_bytes() == b"mine"

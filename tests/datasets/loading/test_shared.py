"""Memory and flags that processes share."""

import multiprocessing
import os

import pytest

from suite.datasets.loading.shared import LoadingError, SharedFlags, shared_memory


def in_a_fork(work) -> None:
    """Do `work` in a forked process, to its end."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_all_flags_are_down_at_first():
    flags = SharedFlags(3)

    assert [flags.is_up(index) for index in range(3)] == [False] * 3
    assert flags.all_up() == ()


def test_a_flag_that_was_raised_is_up_and_the_others_are_not():
    flags = SharedFlags(4)

    flags.raise_flag(2)
    flags.raise_flag(2)

    assert flags.is_up(2)
    assert flags.all_up() == (2,)


def test_flags_of_a_fork_are_seen_here_and_ours_there():
    flags = SharedFlags(300)
    flags.raise_flag(0)

    in_a_fork(lambda: flags.raise_flag(299) if flags.is_up(0) else os._exit(1))

    assert flags.all_up() == (0, 299)


def test_flags_that_nobody_holds_any_more_are_closed():
    flags = SharedFlags(1)
    file = flags._file
    del flags

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)


def test_what_a_fork_writes_to_shared_memory_is_read_here():
    memory = shared_memory(8, "a test")

    in_a_fork(lambda: memory.write(b"pictures"))

    assert memory[:] == b"pictures"


def test_memory_that_cannot_be_had_names_what_it_was_for():
    with pytest.raises(LoadingError, match=r"a test needs \d+\.\d GiB of memory, which cannot"):
        shared_memory(2**62, "a test")

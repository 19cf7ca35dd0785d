"""Linux process calls that the standard library lacks."""

import ctypes
import os
import signal
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent`, which forked it, is gone."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call
        os.kill(os.getpid(), signal.SIGKILL)


def outlive_parent() -> None:
    """Take `die_with_parent` back."""
    _prctl(_PR_SET_PDEATHSIG, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> set[int]:
    """Process ids of the direct children of this process."""
    return {child.pid for child in psutil.Process().children()}


def kill_tree(leader: int) -> None:
    """SIGKILL to a process and to its group; one that is gone already is no error."""
    for kill in (os.killpg, os.kill):  # the group exists only once the child has called setsid
        try:
            kill(leader, signal.SIGKILL)
        except ProcessLookupError:
            continue


def oom_kills() -> int:
    """How often the kernel has killed a process for memory since the machine or container started."""
    return _counter(Path("/proc/vmstat")) + _counter(Path("/sys/fs/cgroup/memory.events"))


def _counter(file: Path) -> int:
    if not file.exists():
        return 0
    counters = dict(line.partition(" ")[::2] for line in file.read_text().splitlines())
    return int(counters.get("oom_kill", 0))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")

"""The fork server: a small process with torch loaded that forks one child for each job.

Loading torch takes seconds and a fork milliseconds; and the command itself, which may hold threads and open files,
never forks. Messages go over one connection (`suite.executors.messages`): `Ready` once all is loaded, then `Start` and
`Kill` in, `Exited` out.

No process survives. The server lives as long as its end of the connection is open: when the parent is gone, even by
SIGKILL, it kills what it has started and ends; when it is killed itself, the kernel kills its children
(PR_SET_PDEATHSIG). What a child has started and left behind becomes a child of the server (PR_SET_CHILD_SUBREAPER) and
is killed with it.
"""

import gc
import importlib
import os
import signal
import sys
from multiprocessing.connection import Connection, wait
from typing import Any

from suite.executors import child, processes
from suite.executors.messages import Exited, Kill, Ready, Start


class Server:
    """Forks, kills and reaps. `jobs` maps the pid of each living child to its task."""

    def __init__(self, connection: "Connection[Any, Any]", entry: child.Entry) -> None:
        self._connection = connection
        self._entry = entry
        self._jobs: dict[int, str] = {}
        self._awake, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # only so that the wake-up pipe is written to
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Obey messages until the parent is gone, then kill every child."""
        try:
            self._connection.send(Ready())
            while True:
                ready = wait([self._connection, self._awake])
                if self._awake in ready:
                    os.read(self._awake, 4096)
                    self._reap()
                if self._connection in ready:
                    self._obey(self._connection.recv())
        except (EOFError, ConnectionError):
            self._end_all()

    def _obey(self, message: Start | Kill) -> None:
        if isinstance(message, Start):
            self._fork(message)
            return
        for pid, task in self._jobs.items():
            if task == message.id:
                processes.kill_tree(pid)

    def _fork(self, message: Start) -> None:
        server = os.getpid()
        pid = os.fork()
        if pid:
            self._jobs[pid] = message.id
            return
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._connection.close()  # or the parent would not notice the death of the server
        os.close(self._awake)
        os.close(self._wake)
        try:
            child.run(message, self._entry, server=server)
        finally:
            os._exit(os.EX_SOFTWARE)  # nothing of the server's own may go on in a child

    def _reap(self) -> None:
        while (pid := _exited_child()) is not None:
            task = self._jobs.pop(pid, None)
            if task is not None:
                # its pid is ours until it is waited for, so the group is the right one
                processes.kill_tree(pid)
            _, status = os.waitpid(pid, 0)
            self._end_strays()
            if task is not None:
                self._connection.send(Exited(task, os.waitstatus_to_exitcode(status)))

    def _end_strays(self) -> None:
        """Kill who left its group and lost its parent: such a process has become a child of this one."""
        while strays := processes.children() - self._jobs.keys():
            for pid in strays:
                processes.kill_tree(pid)
                os.waitpid(pid, 0)

    def _end_all(self) -> None:
        self._jobs.clear()  # every child is a stray now
        self._end_strays()


def _exited_child() -> int | None:
    """A child that has ended and still waits to be reaped."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return ended.si_pid if ended else None


def main(parent: str, descriptor: str, entry: str, *preload: str) -> None:
    """Serve `parent` on a connection inherited as file `descriptor`; `entry` is "module:function"."""
    processes.die_with_parent(int(parent))  # while loading, nobody looks at the connection
    processes.adopt_orphans()
    for module in preload:
        importlib.import_module(module)
    module, _, function = entry.partition(":")
    loaded: child.Entry = getattr(importlib.import_module(module), function)
    gc.freeze()  # a collection in a child would copy the pages that all children share
    processes.outlive_parent()  # from now on there are children to kill first
    Server(Connection(int(descriptor)), loaded).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # not through the exit handlers of everything that was loaded

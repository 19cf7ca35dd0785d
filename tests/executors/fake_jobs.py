"""Jobs that do what real ones must never do; the payload names which."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from suite.jobs import Result
from suite.record import Measurement


def execute(payload, reporter):
    action, argument = payload
    return globals()[f"do_{action}"](argument, reporter)


def measured(number, **notes):
    return Result(
        (Measurement("params", 1, "1", "trained", (float(number),), {}, notes),), {"fake": True}
    )


def do_measure(value, reporter):
    return measured(value)


def do_pid(_, reporter):
    return measured(os.getpid())


def do_environment(name, reporter):
    return measured(0, value=os.environ.get(name, ""))


def do_raise(message, reporter):
    reporter.stage("train")
    raise ValueError(message)


def do_memory(_, reporter):
    raise MemoryError


class Coded(RuntimeError):
    """An error with a code of its own."""

    def __init__(self, code):
        super().__init__("loss is nan at step 3")
        self.code = code


def do_coded(code, reporter):
    raise Coded(code)


def do_nan(_, reporter):
    return measured("nan")


def do_leave(status, reporter):
    os._exit(status)


def do_signal(number, reporter):
    reporter.stage("eval")
    os.kill(os.getpid(), number)
    time.sleep(60)


def do_hang(_, reporter):
    reporter.stage("deploy")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def do_flood(mebibytes, reporter):
    for _ in range(mebibytes):
        os.write(1, b"\x1b[31mx" * (2**20 // 6))
    time.sleep(1.5)  # longer than a tick: the log is looked at while the job lives
    os.write(1, b"last words\n")
    os._exit(3)


def do_progress(total, reporter):
    reporter.stage("train")
    time.sleep(0.6)
    reporter.progress(total // 2, total)
    time.sleep(1.2)
    return measured(total)


def do_grandchildren(pid_file, reporter):
    """Starts one process in its group and one in a session of its own, writes their ids, reports, then waits."""
    code = "import time; time.sleep(600)"
    near = subprocess.Popen([sys.executable, "-c", code])
    far = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    Path(pid_file).write_text(f"{os.getpid()} {near.pid} {far.pid}")
    reporter.progress(1, 1)
    time.sleep(600)


def do_kill_server(_, reporter):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)

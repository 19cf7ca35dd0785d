"""SIGKILL at any moment loses at most the jobs in flight, and leaves no process behind."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
MARK = "ABLATION_TEST_MARK"
GONE_WITHIN = 10  # seconds


LOADING = f"""
import sys
from pathlib import Path
from suite.executors import Task
from suite.executors.local import LocalExecutor

out, here = Path(sys.argv[1]), Path({str(ROOT / "tests" / "executors")!r})
options = {{"entry": "fake_jobs:execute", "preload": ["slow_import"], "path": [here]}}
executor = LocalExecutor(out / "work", logs=out / "log", **options)
next(executor.run([Task("a", "a", ("measure", 1), 60, "build")], parallel=1))
"""


class Killer:
    """Starts a command again and again, kills it after a while, and counts what is left of it."""

    def __init__(self, command):
        self.command = command
        self.mark = uuid.uuid4().hex

    def start(self):
        environment = {**os.environ, MARK: self.mark}
        return subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def kill_after(self, seconds):
        process = self.start()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        return process.returncode

    def finish(self):
        process = self.start()
        process.communicate()
        return process.returncode

    def alive(self):
        """Processes that descend from the command, whatever they have become the children of."""
        found = []
        for process in psutil.process_iter():
            try:
                if (
                    process.environ().get(MARK) == self.mark
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def left_after_a_while(self):
        deadline = time.monotonic() + GONE_WITHIN
        while (left := self.alive()) and time.monotonic() < deadline:
            psutil.wait_procs(left, timeout=0.2)
        return left


def record_keys(out):
    command = [sys.executable, "run_suite.py", "export", "--out", str(out), "--format", "json"]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [record["key"] for record in json.loads(text)]


def killed_and_undisturbed(tmp_path, command, *, kills, longest):
    """Record keys of a run that was killed `kills` times, and of one that was not; how many kills met a live run."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert Killer([*command, str(whole)]).finish() == 0
    stream = random.Random(7)
    killer = Killer([*command, str(broken)])
    met = 0
    for _ in range(kills):
        met += killer.kill_after(stream.uniform(0, longest)) == -signal.SIGKILL
        assert killer.left_after_a_while() == []
    assert killer.finish() == 0
    return record_keys(broken), record_keys(whole), met


def test_a_toy_run_killed_again_and_again_ends_like_an_undisturbed_one(tmp_path):
    command = [sys.executable, str(ROOT / "tests" / "toy_run.py")]

    found, expected, met = killed_and_undisturbed(tmp_path, command, kills=10, longest=1.2)

    assert found == expected
    assert len(set(found)) == len(found) == 24
    assert met > 0


@pytest.mark.slow
def test_a_smoke_run_killed_twenty_times_ends_like_an_undisturbed_one(tmp_path):
    command = [sys.executable, "run_suite.py", "run", "--protocol", "smoke", "--no-report", "--out"]

    found, expected, met = killed_and_undisturbed(tmp_path, command, kills=20, longest=15)

    assert found == expected
    assert len(set(found)) == len(found)
    assert met > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_toy_run_leaves_no_process_behind(tmp_path, number):
    killer = Killer([sys.executable, str(ROOT / "tests" / "toy_run.py"), str(tmp_path)])
    process = killer.start()
    process.stdout.readline()
    process.send_signal(number)
    process.communicate()

    assert killer.left_after_a_while() == []


def test_a_fork_server_that_still_loads_dies_with_its_parent(tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setenv("SLOW_IMPORT", str(pipe))
    killer = Killer([sys.executable, "-c", LOADING, str(tmp_path)])
    process = killer.start()
    assert pipe.read_text() == "begun"
    process.kill()
    process.communicate()

    assert killer.left_after_a_while() == []


def test_a_second_run_on_the_same_store_is_refused_at_once(tmp_path):
    killer = Killer([sys.executable, str(ROOT / "tests" / "toy_run.py"), str(tmp_path)])
    first = killer.start()
    first.stdout.readline()
    first.send_signal(signal.SIGSTOP)  # so that it is not done before the second has begun
    second = subprocess.run(killer.command, cwd=ROOT, capture_output=True, text=True, check=False)
    first.send_signal(signal.SIGCONT)
    first.communicate()

    assert f"in use by process {first.pid}" in second.stderr
    assert first.returncode == 0

"""The parts of an A/A test: work that is planted, and the timing that it is compared with."""

import subprocess

import pytest

from suite.metrics.speed import aa_test
from suite.metrics.speed.aa_test import Planted, one_after_the_other, repeat, spin
from suite.metrics.speed.rounds import Settings
from suite.spec.library import Library
from tests.metrics.speed.fake_sessions import IMAGES, Clock, FakeSession


def test_planted_work_is_done_in_every_call_and_timed(monkeypatch):
    clock = Clock()
    log: list[tuple[str, str]] = []
    spun: list[int] = []
    monkeypatch.setattr(aa_test, "spin", spun.append)
    session = Planted(FakeSession("inner", clock, 10.0, log), 500)

    session.run(IMAGES)
    timing = session.time(IMAGES)

    assert spun == [500, 500]
    assert log == [("inner", "run"), ("inner", "time")]
    assert timing.wall_ms >= 10.0
    assert timing.cpu_ms >= 10.0


def test_one_after_the_other_gives_each_half_of_the_time():
    clock = Clock()
    log: list[tuple[str, str]] = []
    base = FakeSession("base", clock, 10.0, log)
    copy = FakeSession("copy", clock, 10.0, log, noise=lambda now: 1.1)

    ratio = one_after_the_other(base, copy, IMAGES, seconds=2.0, clock=clock)

    assert ratio == pytest.approx(1.1)
    names = [name for name, _ in log]
    assert names == sorted(names)
    assert names.count("base") == pytest.approx(100, abs=1)
    assert names.count("copy") == pytest.approx(91, abs=1)


def test_a_repetition_has_base_copy_and_every_planted_slow_down():
    settings = Settings(image_size=64, cap_seconds=0.5, visit_ms=2.0, half_width=0.0)

    found = repeat(Library().load("yolov5p"), settings, (1.0,))

    assert found.rounds.calls.keys() == {"base", "copy", "planted 1"}
    assert found.rounds.stopped_by == "cap"
    assert found.sequential > 0


def test_burners_are_gone_afterwards(monkeypatch):
    started = []
    real = subprocess.Popen

    def start(*arguments):
        started.append(real(*arguments))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)

    with aa_test.burners(2):
        assert [process.poll() for process in started] == [None, None]

    assert all(process.poll() is not None for process in started)


def test_turns_are_work_of_the_processor():
    assert aa_test.turns_of(2.0) == pytest.approx(2 * aa_test.turns_of(1.0), rel=0.8)
    spin(10)

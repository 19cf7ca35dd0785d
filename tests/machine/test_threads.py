"""How many threads are timed."""

import os

import pytest

from suite import machine
from suite.machine import threads


@pytest.fixture
def idle(monkeypatch):
    monkeypatch.setattr(machine, "unrest", lambda: ())
    monkeypatch.setattr(machine, "describe", lambda: {"container": {}})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)


def test_a_number_is_taken_as_it_is(monkeypatch):
    monkeypatch.setattr(machine, "unrest", lambda: pytest.fail("nothing is to be decided"))

    assert threads.settle(3) == (3, "")


def test_auto_takes_all_cores_of_an_idle_machine(idle):
    assert threads.settle("auto") == (4, "")


def test_auto_takes_one_thread_beside_others_and_says_why(idle, monkeypatch):
    monkeypatch.setattr(machine, "unrest", lambda: ("the cores are 55% busy; allowed 10%",))

    assert threads.settle("auto") == (1, "one thread: the cores are 55% busy; allowed 10%")


def test_no_more_cores_than_a_container_allows(idle, monkeypatch):
    monkeypatch.setattr(machine, "describe", lambda: {"container": {"cores": 2.5}})

    assert threads.usable_cores() == 2

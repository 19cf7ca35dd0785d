"""How busy the processor is, from counters made up here."""

from types import SimpleNamespace

import psutil
import pytest

from suite.machine.load import CpuTimes, cpu_times, load_since, unrest


def readings(*times: CpuTimes | None):
    """A reader of counters that gives one after the other."""
    left = iter(times)
    return lambda: next(left)


def times(*, user: float, idle: float, steal: float = 0.0) -> CpuTimes:
    return CpuTimes(user + idle + steal, idle, steal)


def test_waiting_for_a_disk_is_idle_and_a_guest_is_not_counted_twice(monkeypatch):
    """Linux counts a guest's time within `user` and `nice` already."""
    linux = SimpleNamespace(
        user=10.0,
        nice=1.0,
        system=2.0,
        idle=20.0,
        iowait=3.0,
        irq=0.5,
        softirq=0.25,
        steal=4.0,
        guest=6.0,
        guest_nice=1.0,
    )
    monkeypatch.setattr(psutil, "cpu_times", lambda: linux)

    assert cpu_times() == CpuTimes(total=40.75, idle=23.0, steal=4.0)


def test_what_a_system_does_not_count_is_nothing(monkeypatch):
    mac = SimpleNamespace(user=10.0, nice=0.0, system=2.0, idle=20.0)
    monkeypatch.setattr(psutil, "cpu_times", lambda: mac)

    assert cpu_times() == CpuTimes(total=32.0, idle=20.0, steal=0.0)


def test_a_system_without_counters_tells_nothing(monkeypatch):
    def refuse():
        raise FileNotFoundError("/proc/stat")

    monkeypatch.setattr(psutil, "cpu_times", refuse)

    assert cpu_times() is None


def test_load_is_the_share_of_time_between_two_readings():
    load = load_since(times(user=100, idle=100), read=readings(times(user=125, idle=170, steal=5)))

    assert load.busy == pytest.approx(0.30)
    assert load.steal == pytest.approx(0.05)


@pytest.mark.parametrize("before", [None, times(user=5, idle=5)], ids=["no counters", "at once"])
def test_without_time_between_readings_there_are_no_shares(before):
    load = load_since(before, read=readings(times(user=5, idle=5)))

    assert (load.busy, load.steal) == (None, None)
    assert load.average >= 0


def test_an_idle_machine_has_no_unrest():
    read = readings(times(user=100, idle=100), times(user=101, idle=199))

    assert unrest(1, sleep=lambda _: None, read=read) == ()


def test_a_busy_machine_says_how_busy_it_is():
    read = readings(times(user=100, idle=100), times(user=150, idle=145, steal=5))

    assert unrest(1, sleep=lambda _: None, read=read) == (
        "the cores are 55% busy; allowed 10%",
        "the host takes 5% of the time away; allowed 1%",
    )


def test_the_cores_are_watched_for_the_time_asked_for():
    waits: list[float] = []
    read = readings(times(user=0, idle=0), times(user=0, idle=1))

    unrest(0.25, sleep=waits.append, read=read)

    assert waits == [0.25]


def test_a_system_that_tells_nothing_is_neither_busy_nor_idle():
    assert unrest(1, sleep=lambda _: None, read=readings(None, None)) == ()

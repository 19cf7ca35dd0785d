"""The processor's sensor, from counters written here."""

import os

import pytest

from suite.machine.load import CpuTimes
from suite.machine.sensors import CpuSensor, Sensors


class Counters:
    """Counters of four or fewer cores that stand still until they are set."""

    def __init__(self, *, user=0.0, idle=0.0):
        self.set(user=user, idle=idle)

    def set(self, *, user, idle, steal=0.0):
        self.now = CpuTimes(user + idle + steal, idle, steal)

    def __call__(self):
        return self.now


def sensor(counters, *, wall, process, mhz=lambda: 2600.0):
    wall, process = iter(wall), iter(process)
    return CpuSensor(read=counters, wall=lambda: next(wall), process=lambda: next(process), mhz=mhz)


def test_others_are_the_busy_cores_without_this_process_and_what_the_host_took(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    counters = Counters()
    watched = sensor(counters, wall=[0.0, 1.0], process=[0.0, 0.9])  # this process: 0.9 of a core
    counters.set(user=2.0, idle=1.8, steal=0.2)  # of 4 seconds: half busy, a twentieth stolen

    seen = watched.stop()

    assert seen["others"] == pytest.approx(4 * 2.0 / 4.0 - 0.9)
    assert seen["steal"] == pytest.approx(0.05)
    assert seen["mhz"] == 2600.0
    assert seen["load"] >= 0


def test_a_round_too_short_for_the_counters_tells_nothing_of_others():
    watched = sensor(Counters(user=5, idle=5), wall=[0.0, 0.001], process=[0.0, 0.001])

    assert watched.stop().keys() == {"load", "mhz"}


def test_a_system_that_tells_nothing_gives_the_load_only():
    watched = sensor(lambda: None, wall=[0.0, 1.0], process=[0.0, 1.0], mhz=lambda: None)

    assert watched.stop().keys() == {"load"}


def test_each_start_begins_anew(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    counters = Counters()
    watched = sensor(counters, wall=[0.0, 10.0, 11.0], process=[0.0, 0.0, 0.0])
    counters.set(user=10, idle=0)
    watched.start()
    counters.set(user=10, idle=1)

    assert watched.stop()["others"] == 0


class Fixed:
    """Says one thing."""

    def __init__(self, **readings):
        self.readings, self.started = readings, 0

    def start(self):
        self.started += 1

    def stop(self):
        return self.readings


def test_several_sensors_read_as_one():
    parts = [Fixed(load=1.0), Fixed(sm_mhz=1980.0)]
    together = Sensors(parts)

    together.start()

    assert [part.started for part in parts] == [1, 1]
    assert together.stop() == {"load": 1.0, "sm_mhz": 1980.0}


def test_this_machine_is_read_without_a_fault():
    watched = CpuSensor()
    watched.start()

    assert all(value >= 0 for value in watched.stop().values())

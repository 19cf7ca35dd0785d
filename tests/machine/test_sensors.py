"""The processor's sensor, from counters written here."""

import os

import pytest

from suite.machine.sensors import CpuSensor, Sensors


def write(folder, *, user, idle, steal=0):
    (folder / "stat").write_text(f"cpu  {user} 0 0 {idle} 0 0 0 {steal} 0 0\n")


def sensor(folder, *, wall, own, mhz=lambda: 2600.0):
    wall, own = iter(wall), iter(own)
    return CpuSensor(folder, wall=lambda: next(wall), own=lambda: next(own), mhz=mhz)


def test_others_are_the_busy_cores_without_this_process_and_what_the_host_took(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    write(tmp_path, user=0, idle=0)
    watched = sensor(tmp_path, wall=[0.0, 1.0], own=[0.0, 0.9])  # this process: 0.9 of a core
    write(tmp_path, user=200, idle=180, steal=20)  # of 400 ticks: half busy, a twentieth stolen

    seen = watched.stop()

    assert seen["others"] == pytest.approx(4 * 200 / 400 - 0.9)
    assert seen["steal"] == pytest.approx(0.05)
    assert seen["mhz"] == 2600.0
    assert seen["load"] >= 0


def test_a_round_too_short_for_the_counters_tells_nothing_of_others(tmp_path):
    write(tmp_path, user=5, idle=5)
    watched = sensor(tmp_path, wall=[0.0, 0.001], own=[0.0, 0.001])

    assert watched.stop().keys() == {"load", "mhz"}


def test_a_system_that_tells_nothing_gives_the_load_only(tmp_path):
    watched = sensor(tmp_path, wall=[0.0, 1.0], own=[0.0, 1.0], mhz=lambda: None)

    assert watched.stop().keys() == {"load"}


def test_each_start_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    write(tmp_path, user=0, idle=0)
    watched = sensor(tmp_path, wall=[0.0, 10.0, 11.0], own=[0.0, 0.0, 0.0])
    write(tmp_path, user=1000, idle=0)
    watched.start()
    write(tmp_path, user=1000, idle=100)

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

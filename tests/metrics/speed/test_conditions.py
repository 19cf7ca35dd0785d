"""Energy an image, and which device's meter is read."""

import pytest

from suite.machine.energy import Rapl
from suite.metrics.speed import conditions
from suite.metrics.speed.conditions import ENERGY_BLOCKS, measure_energy
from suite.metrics.speed.rounds import Settings
from tests.metrics.speed.fake_sessions import IMAGES, Clock, FakeSession


class FakeMeter:
    """20 watts on the clock of the session."""

    source = "a fake"

    def __init__(self, clock):
        self.clock = clock

    def joules(self):
        return 20 * self.clock.now


def test_energy_is_power_times_the_time_of_a_call():
    clock = Clock()
    log: list[tuple[str, str]] = []
    session = FakeSession("model", clock, 10.0, log)

    found = measure_energy(session, IMAGES, FakeMeter(clock), seconds=0.5, clock=clock)

    assert found == pytest.approx([20 * 0.010] * ENERGY_BLOCKS)


def test_the_device_is_waited_for_before_its_meter_is_read():
    clock = Clock()
    log: list[tuple[str, str]] = []
    session = FakeSession("model", clock, 300.0, log)

    measure_energy(session, IMAGES, FakeMeter(clock), seconds=0.5, clock=clock)

    one = [("model", "synchronize"), *[("model", "run"), ("model", "synchronize")] * 2]
    assert log == one * ENERGY_BLOCKS


def test_a_meter_without_a_number_gives_none():
    meter = type("Silent", (), {"joules": lambda self: None})()
    clock = Clock()

    assert (
        measure_energy(FakeSession("m", clock, 10.0, []), IMAGES, meter, seconds=0.1, clock=clock)
        is None
    )


def test_a_processors_energy_never_stands_for_a_gpus(monkeypatch):
    monkeypatch.setattr(conditions, "find_rapl", lambda: Rapl(()))
    monkeypatch.setattr(conditions, "_gpu", lambda _: "not here: nvidia-ml-py is not installed")

    assert (
        conditions.meter_of(Settings(device="cuda:0")) == "not here: nvidia-ml-py is not installed"
    )


def test_a_gpus_energy_never_stands_for_a_processors(monkeypatch):
    monkeypatch.setattr(conditions, "find_rapl", lambda: "not here: no RAPL counter")
    monkeypatch.setattr(conditions, "find_gpu", lambda *_: pytest.fail("no GPU is asked"))

    assert conditions.meter_of(Settings()) == "not here: no RAPL counter"

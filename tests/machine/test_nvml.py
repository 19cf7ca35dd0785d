"""A GPU through a driver that only pretends."""

import sys

import pytest

from suite.machine.nvml import Gpu, find_gpu, throttled


class FakeNvml:
    """An H100 at work; functions named in `missing` are not supported."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, missing=(), throttle=0):
        self.missing, self.throttle, self.asked = missing, throttle, []

    def nvmlInit(self):
        self.asked.append("init")

    def nvmlDeviceGetHandleByUUID(self, uuid):
        if uuid != "GPU-1":
            raise self.NVMLError("Not Found")
        return "handle"

    def nvmlDeviceGetClockInfo(self, handle, kind):
        return {1: 1980, 2: 2619}[kind]

    def nvmlDeviceGetTemperature(self, handle, kind):
        assert kind == 0
        return 51

    def nvmlDeviceGetPowerUsage(self, handle):
        return 310_500  # milliwatts

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):
        return self.throttle

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        if "energy" in self.missing:
            raise self.NVMLError("Not Supported")
        return 7_250  # millijoules


def test_a_card_is_read_in_plain_units():
    gpu = find_gpu("GPU-1", FakeNvml(throttle=4))

    gpu.start()
    assert gpu.stop() == {
        "sm_mhz": 1980,
        "memory_mhz": 2619,
        "celsius": 51,
        "watts": 310.5,
        "throttle": 4,
    }
    assert gpu.joules() == 7.25


def test_what_a_card_does_not_support_is_absent():
    assert Gpu(FakeNvml(missing=["energy"]), "handle").joules() is None


def test_a_card_that_is_not_there_is_a_reason():
    assert find_gpu("GPU-2", FakeNvml()) == "not here: Not Found"


def test_without_the_library_the_reason_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert find_gpu("GPU-1") == "not here: nvidia-ml-py is not installed (extra `gpu`)"


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0x0, ()),
        (0x1, ()),  # idle
        (0x2, ()),  # clocks that a user has set
        (0x4, ("power cap",)),
        (0x8 | 0x40, ("hardware slowdown", "thermal slowdown by hardware")),
        (0x20 | 0x80, ("thermal slowdown by software", "power brake")),
    ],
)
def test_which_reasons_slow_a_card_down(bits, words):
    assert throttled(bits) == words

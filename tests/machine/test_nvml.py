"""A GPU through a driver that only pretends."""

import sys
from types import SimpleNamespace

import pytest

from suite.machine.nvml import Gpu, find_gpu, gpus, hides_cards, throttled


class FakeNvml:
    """An H100 and an L4 at work, with parts `missing`: "driver", "cards", "energy"."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, missing=(), throttle=0):
        self.missing, self.throttle, self.users = missing, throttle, 0

    def nvmlInit(self):
        if "driver" in self.missing:
            raise self.NVMLError("NVML Shared Library Not Found")
        self.users += 1

    def nvmlShutdown(self):
        self.users -= 1

    def nvmlDeviceGetCount(self):
        return 2

    def nvmlSystemGetDriverVersion(self):
        return "570.86"

    def nvmlDeviceGetHandleByIndex(self, index):
        if "cards" in self.missing:
            raise self.NVMLError("GPU is lost")
        return ("NVIDIA H100 80GB HBM3", "NVIDIA L4")[index]

    def nvmlDeviceGetName(self, handle):
        return handle

    def nvmlDeviceGetMemoryInfo(self, handle):
        mebibytes = {"NVIDIA H100 80GB HBM3": 81920, "NVIDIA L4": 23034}[handle]
        return SimpleNamespace(total=mebibytes * 2**20)

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


def test_cards_have_name_memory_and_driver():
    nvml = FakeNvml()

    assert gpus(nvml) == (
        {"name": "NVIDIA H100 80GB HBM3", "memory_gib": 80.0, "driver": "570.86"},
        {"name": "NVIDIA L4", "memory_gib": 22.5, "driver": "570.86"},
    )
    assert nvml.users == 0


def test_without_a_driver_there_are_no_cards():
    assert gpus(FakeNvml(missing=["driver"])) == ()


def test_a_card_that_the_driver_has_lost_is_none():
    nvml = FakeNvml(missing=["cards"])

    assert gpus(nvml) == ()
    assert nvml.users == 0


def test_without_the_library_there_are_no_cards(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert gpus() == ()


def test_a_driver_that_cannot_be_asked_is_not_taken_for_no_card(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86\n")

    assert hides_cards(tmp_path / "version")
    assert not hides_cards(tmp_path / "absent")


def test_a_card_is_read_in_plain_units():
    gpu = find_gpu("GPU-1", FakeNvml(throttle=4))
    assert isinstance(gpu, Gpu)

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

    assert find_gpu("GPU-1") == "not here: nvidia-ml-py is not installed"


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

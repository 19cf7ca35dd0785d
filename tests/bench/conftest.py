"""What pytest-benchmark writes of the machine beside its figures."""

from suite import machine

_CHANGING = ("hz_actual", "hz_actual_friendly")  # the clock at that moment, not the machine


def pytest_benchmark_update_machine_info(config, machine_info):
    """Add the suite's description; leave out what differs each time, so that a comparison warns of another machine."""
    cpu = machine_info.get("cpu", {})
    for key in _CHANGING:
        cpu.pop(key, None)
    machine_info["suite"] = machine.describe()

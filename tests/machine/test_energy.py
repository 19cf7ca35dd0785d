"""RAPL's counters, from files written here."""

from pathlib import Path

from suite.machine.energy import Rapl, find_rapl


def package(folder, number, microjoules, most=1_000_000):
    place = folder / f"intel-rapl:{number}"
    place.mkdir(exist_ok=True)
    (place / "energy_uj").write_text(f"{microjoules}\n")
    (place / "max_energy_range_uj").write_text(f"{most}\n")


def rapl(folder: Path) -> Rapl:
    """The counters, where there are some."""
    meter = find_rapl(folder)
    assert isinstance(meter, Rapl)
    return meter


def test_packages_are_added_up_and_their_parts_are_not_counted_twice(tmp_path):
    package(tmp_path, 0, 100)
    package(tmp_path, 1, 200)
    package(tmp_path, "0:0", 50)  # the cores of package 0
    meter = rapl(tmp_path)
    package(tmp_path, 0, 500_100)
    package(tmp_path, 1, 250_200)
    package(tmp_path, "0:0", 400_050)

    assert meter.joules() == 0.75


def test_a_counter_that_began_again_goes_on(tmp_path):
    package(tmp_path, 0, 900_000)
    meter = rapl(tmp_path)
    package(tmp_path, 0, 100_000)

    assert meter.joules() == 0.2
    package(tmp_path, 0, 200_000)
    assert meter.joules() == 0.3


def test_a_machine_without_counters_is_a_reason(tmp_path):
    assert find_rapl(tmp_path) == f"not here: no RAPL counter in {tmp_path}"


def test_counters_that_may_not_be_read_are_a_reason(tmp_path, monkeypatch):
    package(tmp_path, 0, 1)

    def refuse(self, packages):
        raise PermissionError(13, "Permission denied", str(packages[0] / "energy_uj"))

    monkeypatch.setattr(Rapl, "__init__", refuse)

    reason = find_rapl(tmp_path)
    assert isinstance(reason, str)
    assert "energy_uj cannot be read (Permission denied); only the superuser may" in reason

"""Energy of the processor packages, from RAPL's counters under /sys/class/powercap."""

from pathlib import Path
from typing import Protocol

_POWERCAP = Path("/sys/class/powercap")


class Meter(Protocol):
    """A counter of energy."""

    @property
    def source(self) -> str:
        """Where the number is from, and whose energy it is."""
        ...

    def joules(self) -> float | None:
        """Energy since some moment in the past."""
        ...


class Rapl:
    """The sum over packages, idle power and other processes included.

    A counter begins again at its own maximum after minutes to hours, which is seen if it is read more often than that.
    """

    source = "RAPL, processor packages"

    def __init__(self, packages: tuple[Path, ...]) -> None:
        self._packages = packages
        self._last = {package: _number(package / "energy_uj") for package in packages}
        self._used = 0

    def joules(self) -> float:
        """Energy since this object was made."""
        for package in self._packages:
            now = _number(package / "energy_uj")
            grown = now - self._last[package]
            self._used += grown if grown >= 0 else grown + _number(package / "max_energy_range_uj")
            self._last[package] = now
        return self._used / 1e6


def find_rapl(folder: Path = _POWERCAP) -> Rapl | str:
    """The packages' meter, or why there is none."""
    packages = tuple(
        sorted(path for path in folder.glob("intel-rapl:*") if path.name.count(":") == 1)
    )
    if not packages:
        return f"not here: no RAPL counter in {folder}"
    try:
        return Rapl(packages)
    except OSError as error:
        return f"not here: {error.filename} cannot be read ({error.strerror}); only the superuser may, on most systems"


def _number(file: Path) -> int:
    return int(file.read_text())

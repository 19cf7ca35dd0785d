"""Whether a network is what its file's `expect` says of it."""

from suite.spec.records.variant import Expect

GMACS_TOLERANCE = 5e-4  # relative; `expect` is written with four digits


def broken_promises(promised: Expect, measured: Expect) -> tuple[str, ...]:
    """One sentence for each promise that does not hold; what was not promised or not measured is not compared."""
    complaints: list[str] = []
    if (
        promised.strides is not None
        and measured.strides is not None
        and promised.strides != measured.strides
    ):
        complaints.append(
            f"strides are {_listed(measured.strides)}, but `expect` says {_listed(promised.strides)}"
        )
    if (
        promised.params is not None
        and measured.params is not None
        and promised.params != measured.params
    ):
        complaints.append(f"params are {measured.params}, but `expect` says {promised.params}")
    if promised.gmacs is not None and measured.gmacs is not None:
        allowed = max(GMACS_TOLERANCE * promised.gmacs, GMACS_TOLERANCE)
        if abs(measured.gmacs - promised.gmacs) > allowed:
            complaints.append(
                f"gmacs are {measured.gmacs:.4g}, but `expect` says {promised.gmacs:g}"
            )
    return tuple(complaints)


def _listed(strides: tuple[int, ...]) -> str:
    return ", ".join(map(str, strides))

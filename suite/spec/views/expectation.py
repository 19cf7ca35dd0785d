"""Whether a network is what its file's `expect` says of it."""

from suite.spec.records.variant import Expect

GMACS_TOLERANCE = 5e-4  # relative; `expect` is written with four digits


def broken_promises(promised: Expect, measured: Expect) -> tuple[str, ...]:
    """One sentence for each promise that does not hold; what was not promised or measured is not compared."""
    complaints = (
        _about_strides(promised.strides, measured.strides),
        _about_params(promised.params, measured.params),
        _about_gmacs(promised.gmacs, measured.gmacs),
    )
    return tuple(complaint for complaint in complaints if complaint)


def _about_strides(promised: tuple[int, ...] | None, measured: tuple[int, ...] | None) -> str:
    if promised is None or measured is None or promised == measured:
        return ""
    said = ", ".join(map(str, promised))
    return f"strides are {', '.join(map(str, measured))}, but `expect` says {said}"


def _about_params(promised: int | None, measured: int | None) -> str:
    if promised is None or measured is None or promised == measured:
        return ""
    return f"params are {measured}, but `expect` says {promised}"


def _about_gmacs(promised: float | None, measured: float | None) -> str:
    if promised is None or measured is None:
        return ""
    allowed = max(GMACS_TOLERANCE * promised, GMACS_TOLERANCE)
    if abs(measured - promised) <= allowed:
        return ""
    return f"gmacs are {measured:.4g}, but `expect` says {promised:g}"

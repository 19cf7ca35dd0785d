"""Ways to run a Detector: one file each, found by name, each with `open(model, options, mode, images) -> Session`.

The literals at the top of a file say what it offers (`suite.protocols.setups`): `PRECISIONS` by kind of device,
`MODES`, and the `MODULES` and `PROGRAMS` that it needs. What several runtimes share lies in `common`.
"""

from suite.runtimes.common.contract import (
    MismatchError,
    Options,
    RuntimeUnfitError,
    Session,
    Timing,
)
from suite.runtimes.common.opening import open_session

__all__ = [
    "MismatchError",
    "Options",
    "RuntimeUnfitError",
    "Session",
    "Timing",
    "open_session",
]

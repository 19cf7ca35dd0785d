"""Where the suite's files that are no Python lie: variants, the editors' schema, the versions tested together."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_COPIED = _PACKAGE / "_shipped"  # by setup.py, into a wheel only

CHECKOUT = None if _COPIED.is_dir() else _PACKAGE.parent
"""The root of the checkout that this code runs from; None for an installed wheel."""

SHIPPED = CHECKOUT or _COPIED
"""The folder of `variants/`, `schema/` and `constraints.txt`."""

"""Which way up is a picture that EXIF turns? Its boxes may tell."""

from suite.datasets.findings import Severity
from suite.datasets.headers import Sides

UNTOLD = "orientation cannot be told: EXIF turns the picture, and its boxes fit either way"


def doubt(
    sides: Sides,
    other: Sides,
    reach: tuple[float, float],
    *,
    upright: bool,
    stated: bool,
) -> tuple[str, Severity] | None:
    """What to note of a picture with an EXIF orientation, whose boxes reach so far right and down; None: nothing.

    Args:
        sides: of the picture as it is taken.
        other: of the same picture the other way.
        reach: pixels.
        upright: whether it is taken as EXIF turns it.
        stated: whether the annotations state a size.
    """
    fits, fits_other = _within(reach, sides), _within(reach, other)
    if fits_other and not fits:
        only = "as it is stored" if upright else "as EXIF turns it"
        taken = "EXIF turns it" if upright else "its size is stated as stored"
        return f"boxes fit the picture only {only}, but {taken}", "warning"
    says_so = stated and upright and sides != other  # nobody knows these sides who does not turn it
    if fits_other and not says_so:
        return UNTOLD, "note"
    return None


def _within(reach: tuple[float, float], sides: Sides) -> bool:
    return all(far <= side + 1 for far, side in zip(reach, sides, strict=True))

"""The one decoder: bytes of a picture file in, pixels out, turned as its header says or not at all."""

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.headers import Header

DEEP = "picture of more than 8 bits a channel: only the upper 8 are used"
"""What is noted of such pictures when a data set is read."""

BLACK = "picture nearly black to a network: it uses less than 1/16 of its more than 8 bits"
"""What is warned of where the first such pictures all are so."""

_SINGLE = 2  # dimensions of a picture of one channel
_BLACKEST = 16  # of 256: what 12 bits in a file of 16 leave


def decoded(data: bytes, header: Header, *, upright: bool) -> NDArray[np.uint8] | None:
    """(H, W, 3) RGB; grey pictures get three equal channels, of more than 8 bits the upper 8 are taken.

    OpenCV turns TIFF whatever it is told, and other kinds only in some of its releases: so it is told to turn none, and
    the header's orientation is carried out, or undone, here.

    Args:
        data: all of the file.
        header: the file's.
        upright: whether the picture is turned as its EXIF orientation says.
    """
    between = 8 < header.bits < 16  # OpenCV reads these only as they are, and fills them up to 16
    flags = cv2.IMREAD_UNCHANGED if between else cv2.IMREAD_COLOR
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # OpenCV's own bound on pixels, say
        return None
    if image is None:
        return None
    if between:
        image = _in_colour(np.asarray(image))
    if (header.kind == "tiff") != upright:
        image = turned(np.asarray(image), _undoing(header.orientation, undo=not upright))
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def turned(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The picture (H, W, 3) as an EXIF orientation (1 to 8) of its pixels says that it is to be shown."""
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        image = image[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        image = image[::-1]
    return np.ascontiguousarray(image)


def is_nearly_black(image: NDArray[np.uint8], header: Header) -> bool:
    """Whether a file of more than 8 bits a channel uses less than 1/16 of its range: 10 or 12 bits in 16, mostly."""
    return header.bits > 8 and int(image.max()) < _BLACKEST


def _undoing(orientation: int, *, undo: bool) -> int:
    """The orientation that undoes one: only the quarter turns are not their own."""
    return {6: 8, 8: 6}.get(orientation, orientation) if undo else orientation


def _in_colour(image: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """(H, W, 3) in OpenCV's order of channels."""
    eight = (image >> 8).astype(np.uint8)
    if eight.ndim == _SINGLE:
        return np.asarray(cv2.cvtColor(eight, cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(eight[..., :3])

"""From a picture's file to its pixels."""

from pathlib import Path

import cv2
import numpy as np

from suite.datasets.files import examine, fault_of
from suite.datasets.images import Image
from suite.datasets.split import BrokenPictureError, MissingDataError, Picture

_HINT = "`data check` lists all such files"


def load_image(picture: Picture) -> Image:
    """Decode as (H, W, 3) RGB; grey pictures get three equal channels.

    The orientation that gives the picture's width and height is taken: boxes were drawn on that one.

    Raises:
        BrokenPictureError: the file cannot be read, is not whole, or does not decode, or to another size.
    """
    return decode_picture(picture, picture_bytes(picture))


def picture_bytes(picture: Picture) -> bytes:
    """What is in the picture's file.

    Raises:
        BrokenPictureError: the file cannot be read.
    """
    try:
        return picture.file.read_bytes()
    except OSError as error:
        raise BrokenPictureError(
            picture.file, f"cannot be read ({error.strerror or error})"
        ) from error


def decode_picture(picture: Picture, data: bytes) -> Image:
    """The second half of `load_image`."""
    wanted = (picture.height, picture.width)
    image = None
    fault = fault_of(picture.file, data)  # OpenCV itself decodes half a JPEG without a word
    if not fault:
        if not picture.upright:
            image = _decoded(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None or image.shape[:2] != wanted:
            image = _decoded(data, cv2.IMREAD_COLOR)
    if image is None:
        reason = f" ({fault})" if fault else ""
        what = f"does not decode as a picture{reason}"
        raise BrokenPictureError(picture.file, f"{what}; {_HINT}")
    if image.shape[:2] != wanted:
        height, width = image.shape[:2]
        what = f"is {width} x {height} pixels, but the annotations say {wanted[1]} x {wanted[0]}"
        raise BrokenPictureError(picture.file, f"{what}; {_HINT}")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _decoded(data: bytes, flags: int) -> Image | None:
    """In OpenCV's order of channels."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if image is None else np.asarray(image, np.uint8)


def read_image(file: Path) -> Image:
    """Decode a picture of no data set as (H, W, 3) RGB, turned as its EXIF orientation says.

    Raises:
        MissingDataError: there is no such file.
        BrokenPictureError: it is not whole, or does not decode.
    """
    if not file.is_file():
        raise MissingDataError(f"{file}: no such picture")
    fault = examine(file).fault
    image = None if fault else _decoded(file.read_bytes(), cv2.IMREAD_COLOR)
    if image is None:
        raise BrokenPictureError(file, fault or "does not decode as a picture")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))

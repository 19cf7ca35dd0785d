"""From a picture's file to its pixels."""

from pathlib import Path

from suite.datasets.headers import header_of
from suite.datasets.images import Image
from suite.datasets.pixels import decoded, is_nearly_black
from suite.datasets.split import BrokenPictureError, MissingDataError, Picture

_HINT = "`data check` lists all such files"


def load_image(picture: Picture) -> Image:
    """Decode as (H, W, 3) RGB; grey pictures get three equal channels.

    The picture is turned as its EXIF orientation says where `picture.upright`, or where it has its sides only so.

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
    header = header_of(data)  # OpenCV itself decodes half a JPEG without a word
    upright = picture.upright or (picture.width, picture.height) != header.stored
    image = None if header.fault else decoded(data, header, upright=upright)
    if image is None:
        reason = f" ({header.fault})" if header.fault else ""
        what = f"does not decode as a picture{reason}"
        raise BrokenPictureError(picture.file, f"{what}; {_HINT}")
    height, width = image.shape[:2]
    if (width, height) != (picture.width, picture.height):
        stated = f"{picture.width} x {picture.height}"
        what = f"is {width} x {height} pixels, but the annotations say {stated}"
        raise BrokenPictureError(picture.file, f"{what}; {_HINT}")
    return image


def read_image(file: Path) -> Image:
    """Decode a picture of no data set as (H, W, 3) RGB, turned as its EXIF orientation says.

    Raises:
        MissingDataError: there is no such file.
        BrokenPictureError: it is not whole, or does not decode.
    """
    if not file.is_file():
        raise MissingDataError(f"{file}: no such picture")
    data = file.read_bytes()
    header = header_of(data)
    image = None if header.fault else decoded(data, header, upright=True)
    if image is None:
        raise BrokenPictureError(file, header.fault or "does not decode as a picture")
    return image


def darkness(file: Path, image: Image) -> str:
    """What to say of a picture that uses too few of its file's many bits for the network to see it; mostly nothing."""
    header = header_of(file.read_bytes())
    if not is_nearly_black(image, header):
        return ""
    return (
        f"{file}: darker than 1/16 of its range ({header.bits} bits, of which the upper 8 are used)"
    )

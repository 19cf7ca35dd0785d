"""Is a picture file whole, how large is it, and which way up?

The check exists because OpenCV decodes half a JPEG without a word: the rest of the picture is grey, its boxes stay.
"""

import hashlib
import io
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from suite.datasets.headers import UNKNOWN, Header, Sides, read_header
from suite.datasets.pixels import decoded

_MOST_PIXELS = 100_000_000  # a 110 KB PNG can claim 900 million pixels


@dataclass(frozen=True, slots=True)
class Examined:
    """`fault` is empty for a usable file; `identity` stands for its bytes in the data set's fingerprint.

    `sides` are those of the picture as its boxes are taken to lie on it, and `other` those of the same picture turned
    back, or turned. `turned` says that it has an EXIF orientation, `upright` that this is the one taken, `paged` that
    further pictures follow in the file.
    """

    fault: str
    detail: str
    identity: str
    sides: Sides = UNKNOWN
    other: Sides = UNKNOWN
    turned: bool = False
    upright: bool = False
    bits: int = 8
    paged: bool = False


def examine(path: Path, stated: Sides | None = None, *, whole: bool = False) -> Examined:
    """Check that `path` is a complete picture, of `stated` sides (width, height) where they are given.

    EXIF decides which way up it is, unless only the picture as it is stored has the stated sides. With `whole` the
    identity is the SHA-256 of all bytes, otherwise the size: hashing COCO's 19 GB takes minutes.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        data = file.read() if whole else b""
        header = read_header(io.BytesIO(data) if whole else file, size)
    header = _with_sides(path, header)
    identity = hashlib.sha256(data).hexdigest() if whole else str(size)
    fault, detail = header.fault, ""
    if not fault:
        fault, detail = _size_fault(header, stated)
    turned = header.orientation != 1
    upright = turned and stated in {None, header.shown}
    sides, other = header.shown, header.stored
    if turned and not upright:
        sides, other = other, sides
    return Examined(
        fault, detail, identity, sides, other, turned, upright, header.bits, header.paged
    )


def _with_sides(path: Path, header: Header) -> Header:
    """The same with the sides of the decoded picture, where the header does not tell them."""
    if header.fault or header.stored != UNKNOWN:
        return header
    if not header.kind and not cv2.haveImageReader(str(path)):  # which may be a film of gigabytes
        return replace(header, fault="not a picture")
    image = decoded(path.read_bytes(), header, upright=False)
    if image is None:
        return replace(header, fault="not a picture")
    return replace(header, stored=(image.shape[1], image.shape[0]))


def _size_fault(header: Header, stated: Sides | None) -> tuple[str, str]:
    width, height = header.stored
    if stated and stated not in {header.stored, header.shown}:
        return "other size than stated", f"{width} x {height}, not {stated[0]} x {stated[1]}"
    if width * height > _MOST_PIXELS:
        return "too large", f"{width} x {height}"
    return "", ""

"""Is a picture file whole, and how large? Looks at headers and ends only; decoding the same files would take minutes.

The check exists because OpenCV decodes half a JPEG without a word: the rest of the picture is grey, its boxes stay.
"""

import hashlib
import io
import struct
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
from PIL.ExifTags import Base
from PIL.Image import Exif
from PIL.JpegImagePlugin import JpegImageFile

Sides = tuple[int, int]  # width, height

_HEAD, _TAIL = 65536, 4096
_MOST_PIXELS = 100_000_000  # a 110 KB PNG can claim 900 million pixels
_JPEG, _PNG, _BMP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"
_JPEG_END, _PNG_END = b"\xff\xd9", b"IEND"
_LYING = frozenset((5, 6, 7, 8))  # orientations that exchange width and height
_UNKNOWN = (0, 0)
_FILTERING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Examined:
    """`fault` is empty for a usable file; `identity` stands for its bytes in the data set's fingerprint.

    `sides` are those of the picture as its EXIF orientation turns it (`turned`: if it does); (0, 0) where only
    decoding could tell.
    """

    fault: str
    detail: str
    identity: str
    sides: Sides = _UNKNOWN
    turned: bool = False


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the header and the end of a file say; `stored` are the sides before any turning."""

    fault: str = ""
    stored: Sides = _UNKNOWN
    orientation: int = 1


def examine(path: Path, sides: Sides | None = None, *, whole: bool = False) -> Examined:
    """Check that `path` is a complete picture, of `sides` (width, height) where they are given.

    With `whole` the identity is the SHA-256 of all bytes, otherwise the size: hashing COCO's 19 GB takes minutes.
    A picture turned by its EXIF orientation may have its sides the other way round.
    """
    size = path.stat().st_size
    data, tail = _ends(path, size, whole=whole)
    identity = hashlib.sha256(data).hexdigest() if whole else str(size)
    looked = _look(path, data, tail)
    fault, detail = looked.fault, ""
    if not fault:
        fault, detail = _size_fault(looked.stored, sides)
    sides_shown = looked.stored[::-1] if looked.orientation in _LYING else looked.stored
    return Examined(fault, detail, identity, sides_shown, turned=looked.orientation != 1)


def _ends(path: Path, size: int, *, whole: bool) -> tuple[bytes, bytes]:
    """The beginning and the end of a file of `size` bytes; all of it, and nothing, where it is short or `whole`."""
    with path.open("rb") as file:
        data = file.read() if whole or size <= _HEAD else file.read(_HEAD)
        if len(data) >= size:
            return data, b""
        file.seek(-_TAIL, 2)
        return data, file.read()


def fault_of(path: Path, data: bytes) -> str:
    """What is wrong with a picture of which `data` is all; empty where nothing shows before decoding."""
    return _look(path, data, b"").fault


def decoded_sides(path: Path) -> Sides | None:
    """Width and height of a picture whose header does not tell them, by decoding it; None if it does not decode."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if image is None else (image.shape[1], image.shape[0])


def _look(path: Path, data: bytes, tail: bytes) -> _Looked:
    """`tail` is empty where `data` is the whole file."""
    if not data:
        return _Looked("empty")
    if data.startswith(_JPEG):
        return _look_at_jpeg(path, data, tail)
    if data.startswith(_PNG):
        return _look_at_png(data, tail)
    if data.startswith(_BMP):
        return _look_at_bmp(data, path.stat().st_size if tail else len(data))
    return _Looked("" if cv2.haveImageReader(str(path)) else "not a picture")


# The headers of PNG and BMP begin with the sides, which is all that is wanted; Pillow would also check and inflate
# what stands between them and the pixels, and refuse a picture that OpenCV decodes.


def _look_at_png(data: bytes, tail: bytes) -> _Looked:
    if len(data) < 24 or _PNG_END not in (tail or data):
        return _Looked("truncated")
    return _Looked(stored=struct.unpack(">II", data[16:24]))


def _look_at_bmp(data: bytes, size: int) -> _Looked:
    if len(data) < 26 or size < struct.unpack("<I", data[2:6])[0]:
        return _Looked("truncated")
    width, height = struct.unpack("<ii", data[18:26])
    # rows from the top down have a negative height
    return _Looked(stored=(abs(width), abs(height)))


def _look_at_jpeg(path: Path, data: bytes, tail: bytes) -> _Looked:
    header = _jpeg_header(data)
    ended = header.scan > 0 and _JPEG_END in (tail or data[header.scan :])
    if tail and not ended:
        # the header is longer than what was read, or other data follows the picture
        data = path.read_bytes()
        header = _jpeg_header(data)
        ended = header.scan > 0 and _JPEG_END in data[header.scan :]
    return _Looked("" if ended else "truncated", header.sides, header.orientation)


@dataclass(frozen=True, slots=True)
class _Header:
    """`scan` is where the pixels begin (0: not within the data)."""

    sides: Sides = _UNKNOWN
    orientation: int = 1
    scan: int = 0


def _jpeg_header(data: bytes) -> _Header:
    """What Pillow reads before the first pixel: 40 us a picture, half of what opening its file takes."""
    stream = io.BytesIO(data)
    # Pillow warns of damaged tags; the lock is for the filter, which all threads share
    with _FILTERING, warnings.catch_warnings(action="ignore"):
        try:
            image = JpegImageFile(stream)
        except Exception:  # noqa: BLE001  a damaged header can make Pillow stumble anywhere
            return _Header()
        orientation = _orientation(image.info.get("exif", b""))
    return _Header(image.size, orientation, stream.tell())


def _orientation(segment: bytes) -> int:
    """The EXIF orientation in an APP1 segment; 1, upright, where it tells none."""
    # not `Image.getexif`, which also believes XMP: the decoder does not
    exif = Exif()
    try:
        exif.load(segment)
        value = exif.get(Base.Orientation)
    except Exception:  # noqa: BLE001  a damaged segment can make Pillow stumble anywhere
        return 1
    return value if isinstance(value, int) and value else 1


def _size_fault(actual: Sides, stated: Sides | None) -> tuple[str, str]:
    width, height = actual
    if stated and actual != _UNKNOWN and actual not in {stated, stated[::-1]}:
        return "other size than stated", f"{width} x {height}, not {stated[0]} x {stated[1]}"
    if width * height > _MOST_PIXELS:
        return "too large", f"{width} x {height}"
    return "", ""

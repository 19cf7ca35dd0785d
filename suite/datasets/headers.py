"""What the header of a picture file tells: sides, EXIF orientation, depth, and whether the file is whole.

Only headers and ends are read; decoding the same files would take minutes. Decoder and reader ask the same header, so
that they cannot differ about one file.
"""

import io
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from PIL.ExifTags import Base
from PIL.Image import Exif
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

Sides = tuple[int, int]  # width, height
Kind = Literal["", "jpeg", "png", "bmp", "webp", "tiff"]

UNKNOWN: Sides = (0, 0)
_HEAD, _TAIL = 65536, 4096
_MOST_CHUNKS = 100_000
_MOST_BITS = 16
_FLOATS = 3  # SampleFormat of a TIFF
_LYING = frozenset((5, 6, 7, 8))  # orientations that exchange width and height
_FILTERING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Header:
    """`stored` are the sides before any turning, (0, 0) where only decoding could tell.

    `fault` is empty for a usable file, `orientation` EXIF's 1 to 8, `bits` those of a channel; `paged` says that
    further pictures follow in the file.
    """

    fault: str = ""
    stored: Sides = UNKNOWN
    orientation: int = 1
    bits: int = 8
    kind: Kind = ""
    paged: bool = False

    @property
    def shown(self) -> Sides:
        """The sides of the picture as its EXIF orientation turns it."""
        return self.stored[::-1] if self.orientation in _LYING else self.stored


def header_of(data: bytes) -> Header:
    """The header of a file of which `data` is all."""
    return read_header(io.BytesIO(data), len(data))


def read_header(stream: BinaryIO, size: int) -> Header:
    """The header of a file of `size` bytes; a kind that is not known here has no sides and no fault."""
    head = _read(stream, 0, _HEAD)
    if not head:
        return Header("empty")
    for magic, look in _LOOKS.items():
        if head.startswith(magic):
            return look(stream, head, size)
    return Header()


def _read(stream: BinaryIO, start: int, count: int = -1) -> bytes:
    stream.seek(start)
    return stream.read(count)


# Pillow would also check and inflate what stands between the header and the pixels, and refuse a picture that OpenCV
# decodes. What is read here are fixed places.


def _look_at_jpeg(stream: BinaryIO, head: bytes, size: int) -> Header:
    sides, orientation, scan = _jpeg_header(head)
    ended = scan > 0 and b"\xff\xd9" in _read(stream, max(scan, size - _TAIL))
    if not ended:
        # the header is longer than what was read, or other data follows the picture
        data = _read(stream, 0)
        sides, orientation, scan = _jpeg_header(data)
        ended = scan > 0 and b"\xff\xd9" in data[scan:]
    return Header("" if ended else "truncated", sides, orientation, kind="jpeg")


def _jpeg_header(data: bytes) -> tuple[Sides, int, int]:
    """Sides, orientation, and where the pixels begin (0: not within the data).

    It is what Pillow reads before the first pixel: 40 us a picture, half of what opening its file takes.
    """
    stream = io.BytesIO(data)
    # Pillow warns of damaged tags; the lock is for the filter, which all threads share
    with _FILTERING, warnings.catch_warnings(action="ignore"):
        try:
            image = JpegImageFile(stream)
        except Exception:  # noqa: BLE001  a damaged header can make Pillow stumble anywhere
            return UNKNOWN, 1, 0
        orientation = _orientation(image.info.get("exif", b""))
    return image.size, orientation, stream.tell()


def _orientation(segment: bytes) -> int:
    """The orientation that an EXIF segment tells; 1, upright, where it tells none."""
    # not `Image.getexif`, which also believes XMP: viewers and decoders do not
    exif = Exif()
    try:
        exif.load(segment)
        return _sound(exif.get(Base.Orientation))
    except Exception:  # noqa: BLE001  a damaged segment can make Pillow stumble anywhere
        return 1


def _sound(orientation: object) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _look_at_png(stream: BinaryIO, head: bytes, size: int) -> Header:
    if len(head) < 26 or b"IEND" not in _read(stream, max(0, size - _TAIL)):
        return Header("truncated", kind="png")
    orientation = 1
    for name, start, length in _chunks(stream, size):
        if name == b"eXIf":  # it may stand behind the pixels
            orientation = _quiet_orientation(_read(stream, start, min(length, _HEAD)))
    return Header("", struct.unpack(">II", head[16:24]), orientation, head[24], "png")


def _chunks(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of the chunks of a PNG."""
    start = 8
    for _ in range(_MOST_CHUNKS):
        begin = _read(stream, start, 8)
        if len(begin) < 8 or start >= size:
            return
        length = int.from_bytes(begin[:4], "big")
        yield begin[4:], start + 8, length
        start += length + 12


def _quiet_orientation(segment: bytes) -> int:
    with _FILTERING, warnings.catch_warnings(action="ignore"):
        return _orientation(segment)


def _look_at_bmp(_: BinaryIO, head: bytes, size: int) -> Header:
    if len(head) < 26 or size < struct.unpack("<I", head[2:6])[0]:
        return Header("truncated", kind="bmp")
    width, height = struct.unpack("<ii", head[18:26])
    # rows from the top down have a negative height
    return Header(stored=(abs(width), abs(height)), kind="bmp")


def _look_at_riff(stream: BinaryIO, head: bytes, size: int) -> Header:
    """WebP; other files of that family are none of a kind known here."""
    if head[8:12] != b"WEBP":
        return Header()
    if len(head) < 30 or size < int.from_bytes(head[4:8], "little") + 8:
        return Header("truncated", kind="webp")
    first = head[12:16]
    if first == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return Header(stored=(width & 0x3FFF, height & 0x3FFF), kind="webp")
    if first == b"VP8L":
        packed = int.from_bytes(head[21:25], "little")
        return Header(stored=((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1), kind="webp")
    if first != b"VP8X" or head[20] & 2:  # of a moving one the decoder says how large it is
        return Header(kind="webp")
    sides = tuple(int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
    return Header("", (sides[0], sides[1]), _webp_orientation(stream, size), kind="webp")


def _webp_orientation(stream: BinaryIO, size: int) -> int:
    start = 12
    for _ in range(_MOST_CHUNKS):
        begin = _read(stream, start, 8)
        if len(begin) < 8 or start >= size:
            break
        length = int.from_bytes(begin[4:], "little")
        if begin[:4] == b"EXIF":
            return _quiet_orientation(_read(stream, start + 8, min(length, _HEAD)))
        start += 8 + length + length % 2
    return 1


def _look_at_tiff(stream: BinaryIO, head: bytes, size: int) -> Header:
    with _FILTERING, warnings.catch_warnings(action="ignore"):
        try:
            # a BigTIFF, whose version is 43, has a longer header
            directory = ImageFileDirectory_v2(head[: 16 if 43 in head[2:4] else 8])
            stream.seek(directory.next)
            directory.load(stream)
            return _tiff_header(directory, size)
        except Exception:  # noqa: BLE001  a damaged directory can make Pillow stumble anywhere
            return Header(kind="tiff")


def _tiff_header(directory: ImageFileDirectory_v2, size: int) -> Header:
    """Of the file's first picture; tags by their numbers in TIFF 6.0."""

    def values(tag: int, default: int) -> Sequence[Any]:
        value = directory.get(tag, default)
        return value if isinstance(value, tuple) else (value,)

    bits = int(max(values(258, 1)))
    pieces = [*zip(values(273, 0), values(279, 0), strict=False)]
    pieces += zip(values(324, 0), values(325, 0), strict=False)
    fault = ""
    if max(start + count for start, count in pieces) > size:
        fault = "truncated"
    elif _FLOATS in values(339, 1):
        fault = "values are floats, not whole numbers of 8 or 16 bits"
    elif bits > _MOST_BITS:
        fault = f"values of {bits} bits, not of 8 or 16"
    sides = (int(values(256, 0)[0]), int(values(257, 0)[0]))
    paged = directory.next != 0
    return Header(fault, sides, _sound(values(274, 1)[0]), max(bits, 8), "tiff", paged)


_LOOKS: dict[bytes, Callable[[BinaryIO, bytes, int], Header]] = {
    b"\xff\xd8\xff": _look_at_jpeg,
    b"\x89PNG\r\n\x1a\n": _look_at_png,
    b"BM": _look_at_bmp,
    b"RIFF": _look_at_riff,
    b"II*\0": _look_at_tiff,
    b"MM\0*": _look_at_tiff,
    b"II+\0": _look_at_tiff,
    b"MM\0+": _look_at_tiff,
}

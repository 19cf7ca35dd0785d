"""What a picture's file tells before it is decoded; its EXIF and XMP are written here, byte by byte."""

import hashlib
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.files import examine
from suite.datasets.headers import header_of

WIDTH, HEIGHT = 24, 10


def jpeg(*segments: bytes) -> bytes:
    """A JPEG of 24 x 10 pixels, with these APP1 segments behind its first marker."""
    _, data = cv2.imencode(".jpg", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    whole = data.tobytes()
    applications = [b"\xff\xe1" + struct.pack(">H", len(each) + 2) + each for each in segments]
    return whole[:2] + b"".join(applications) + whole[2:]


def exif(orientation: int, order: str = "<") -> bytes:
    """A segment with one tag, in either byte order."""
    mark = b"II" if order == "<" else b"MM"
    header = mark + struct.pack(order + "HI", 42, 8)
    entry = struct.pack(order + "HHHIHH", 1, 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + header + entry + bytes(4)


XMP = (
    b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    b"<rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='6'/>"
    b"</rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "picture"


def decoded_sides(file: Path) -> tuple[int, int]:
    """Width and height that OpenCV decodes to."""
    image = cv2.imread(str(file))
    assert image is not None
    height, width = image.shape[:2]
    return width, height


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sides_are_those_of_the_picture_as_exif_turns_it(
    file: Path, orientation: int, order: str
) -> None:
    file.write_bytes(jpeg(exif(orientation, order)))

    examined = examine(file)

    assert examined.sides == ((HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT))
    assert examined.turned == (orientation != 1)
    assert decoded_sides(file) == examined.sides


def test_an_orientation_in_xmp_is_not_believed_as_the_decoder_does_not(file: Path) -> None:
    file.write_bytes(jpeg(XMP))

    examined = examine(file)

    assert (examined.sides, examined.turned) == ((WIDTH, HEIGHT), False)
    assert decoded_sides(file) == examined.sides


@pytest.mark.parametrize(
    "segment",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        b"Exif\0\0XX" + bytes(20),
        exif(6)[:20],
        b"Exif\0\0" + b"M" * 40,
    ],
    ids=["empty", "cut", "no byte order", "cut in its table", "nonsense"],
)
def test_a_damaged_exif_leaves_a_picture_upright(file: Path, segment: bytes) -> None:
    file.write_bytes(jpeg(segment))

    examined = examine(file)

    assert (examined.fault, examined.sides, examined.turned) == ("", (WIDTH, HEIGHT), False)


def test_a_header_longer_than_what_is_read_first_is_read_whole(file: Path) -> None:
    file.write_bytes(jpeg(*[b"filler" + bytes(65000)] * 3, exif(6)))

    examined = examine(file)

    assert (examined.fault, examined.sides, examined.turned) == ("", (HEIGHT, WIDTH), True)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_a_file_cut_at_any_point_is_noticed_and_a_whole_one_is_not(suffix: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    _, encoded = cv2.imencode(suffix, picture)
    data = encoded.tobytes()
    least = 4 if suffix == ".jpg" else 8  # of fewer bytes it is not known what they were to be

    faults = {header_of(data[:end]).fault for end in range(least, len(data) - 8, 7)}

    assert faults == {"truncated"}
    assert header_of(data).fault == ""


def test_a_whole_file_is_identified_by_its_bytes_and_a_large_set_by_sizes(file: Path) -> None:
    data = jpeg()
    file.write_bytes(data)

    assert examine(file, whole=True).identity == hashlib.sha256(data).hexdigest()
    assert examine(file).identity == str(len(data))


@pytest.mark.parametrize(
    ("stated", "fault"),
    [
        ((WIDTH, HEIGHT), ""),
        ((HEIGHT, WIDTH), "other size than stated"),
        ((WIDTH, 11), "other size than stated"),
    ],
)
def test_sides_that_are_stated_must_be_the_pictures(
    file: Path, stated: tuple[int, int], fault: str
) -> None:
    file.write_bytes(jpeg())

    assert examine(file, stated).fault == fault


def test_a_small_file_that_claims_to_be_huge_is_refused(file: Path) -> None:
    _, encoded = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))
    data = bytearray(encoded.tobytes())
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    file.write_bytes(data)

    examined = examine(file)

    assert (examined.fault, examined.detail) == ("too large", "30000 x 30000")

"""Kinds of files that are decoded in a way of their own: TIFF, and more than 8 bits a channel."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from suite.datasets.decode import darkness, load_image, read_image
from suite.datasets.files import examine
from suite.datasets.formats.forms import read_split
from suite.datasets.headers import header_of
from suite.datasets.pixels import BLACK, DEEP
from suite.datasets.split import BrokenPictureError, Split
from suite.datasets.survey.counts import survey
from tests.datasets.turned_pictures import ORIENTATION, one_picture

WIDTH, HEIGHT = 64, 48


def ramp(most: int) -> np.ndarray:
    """(H, W) from 0 to `most`."""
    return (np.arange(WIDTH * HEIGHT) * most // (WIDTH * HEIGHT - 1)).reshape(HEIGHT, WIDTH)


def packed_tiff(values: np.ndarray, bits: int) -> bytes:
    """A little-endian TIFF of one channel whose values follow each other without gaps."""
    data = int("".join(f"{value:0{bits}b}" for value in values.ravel().tolist()), 2)
    pixels = data.to_bytes(values.size * bits // 8, "big")
    height, width = values.shape
    entries = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 277: 1, 278: height}
    start = 8 + 2 + 12 * (len(entries) + 2) + 4
    entries |= {273: start, 279: len(pixels)}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, entries[tag]) for tag in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + pixels


def yolo(folder: Path, name: str, data: bytes) -> Split:
    file = folder / "images/val" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    one_picture(folder, "YOLO txt", name, (WIDTH, HEIGHT), (4, 6, 20, 12))
    return read_split(folder, "val")


def saved(image: np.ndarray, form: str = "TIFF", **how: Any) -> bytes:
    target = io.BytesIO()
    Pillow.fromarray(image).save(target, form, **how)
    return target.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate"])
def test_a_tiff_of_a_set_that_states_no_size_is_read_whatever_its_orientation(
    tmp_path: Path, compression: str, orientation: int, capfd: pytest.CaptureFixture[str]
) -> None:
    sides = (HEIGHT, WIDTH, 3) if orientation < 5 else (WIDTH, HEIGHT, 3)
    data = saved(
        np.full(sides, 90, np.uint8), compression=compression, tiffinfo={ORIENTATION: orientation}
    )

    split = yolo(tmp_path, "a.tif", data)

    assert load_image(split.pictures[0]).shape == (HEIGHT, WIDTH, 3)
    assert [issue.severity for issue in split.issues] == ["note"] * (orientation > 1)
    assert capfd.readouterr().err == ""


def test_a_big_tiff_is_a_tiff(tmp_path: Path) -> None:
    data = saved(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), big_tiff=True)

    header = header_of(data)

    assert (header.kind, header.stored, header.fault) == ("tiff", (WIDTH, HEIGHT), "")


@pytest.mark.parametrize("most", [1.0, 255.0])
def test_a_tiff_of_floats_is_left_out_with_the_reason_and_nothing_else_is_printed(
    tmp_path: Path, most: float, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tif").write_bytes(saved(ramp(255).astype(np.float32) * most / 255))

    examined = examine(tmp_path / "a.tif")

    assert examined.fault == "values are floats, not whole numbers of 8 or 16 bits"
    with pytest.raises(BrokenPictureError, match="values are floats"):
        read_image(tmp_path / "a.tif")
    assert capfd.readouterr().err == ""


def test_a_tiff_of_32_bits_is_left_out_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(saved(ramp(2**20).astype(np.int32)))

    assert examine(tmp_path / "a.tif").fault == "values of 32 bits, not of 8 or 16"


@pytest.mark.parametrize(("pages", "told"), [(1, 0), (2, 1), (3, 1)])
def test_further_pages_of_a_tiff_are_told(tmp_path: Path, pages: int, told: int) -> None:
    page = Pillow.fromarray(np.full((48, 64), 90, np.uint8))
    data = io.BytesIO()
    page.save(data, "TIFF", save_all=True, append_images=[page] * (pages - 1))

    split = yolo(tmp_path, "1.tiff", data.getvalue())

    kind = "picture of several pages: only the first is used"
    assert [issue.count for issue in split.issues if issue.kind == kind] == [1] * told


@pytest.mark.parametrize("kind", ["tif", "webp"])
def test_a_file_without_its_end_is_truncated(tmp_path: Path, kind: str) -> None:
    form = {"tif": "TIFF", "webp": "WEBP"}[kind]
    how: dict[str, Any] = {"lossless": True} if kind == "webp" else {}
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    data = saved(noise, form, **how)
    file = tmp_path / f"a.{kind}"

    file.write_bytes(data)
    assert examine(file).fault == ""
    file.write_bytes(data[: len(data) // 2])
    assert examine(file).fault == "truncated"


@pytest.mark.parametrize("how", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0" + bytes(12)}])
def test_the_sides_of_a_webp_stand_in_its_header(how: dict[str, Any]) -> None:
    header = header_of(saved(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), "WEBP", **how))

    assert (header.kind, header.stored, header.orientation) == ("webp", (WIDTH, HEIGHT), 1)


def test_a_moving_webp_has_the_sides_that_it_decodes_to(tmp_path: Path) -> None:
    frame = Pillow.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    other = Pillow.fromarray(np.full((HEIGHT, WIDTH, 3), 20, np.uint8))
    frame.save(tmp_path / "a.webp", save_all=True, append_images=[other])

    examined = examine(tmp_path / "a.webp", (WIDTH, HEIGHT))

    assert (examined.fault, examined.sides) == ("", (WIDTH, HEIGHT))


@pytest.mark.parametrize("bits", [10, 12])
def test_values_of_10_and_12_bits_that_say_so_keep_their_upper_8(
    tmp_path: Path, bits: int, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tif").write_bytes(packed_tiff(ramp(2**bits - 1), bits))

    image = read_image(tmp_path / "a.tif")

    assert (image[..., 0] == ramp(2**bits - 1) >> bits - 8).all()
    assert darkness(tmp_path / "a.tif", image) == ""
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("bits", "dark"), [(10, True), (12, True), (14, False), (16, False)])
def test_10_and_12_bits_in_16_are_told_since_little_of_them_is_seen(
    tmp_path: Path, suffix: str, bits: int, dark: bool
) -> None:
    data = cv2.imencode(suffix, ramp(2**bits - 1).astype(np.uint16))[1].tobytes()
    split = yolo(tmp_path, f"a{suffix}", data)

    found = [each.kind for each in survey(split, split, pictures=False).findings]

    told = {issue.kind: issue.severity for issue in split.issues}
    assert told == ({DEEP: "note", BLACK: "warning"} if dark else {DEEP: "note"})
    assert found.count(BLACK) == 2 * dark
    file = split.pictures[0].file
    assert darkness(file, read_image(file)).startswith(str(file)) == dark


def test_a_dark_picture_of_8_bits_is_a_dark_picture(tmp_path: Path) -> None:
    data = cv2.imencode(".png", ramp(9).astype(np.uint8))[1].tobytes()
    split = yolo(tmp_path, "a.png", data)

    found = {each.kind for each in survey(split, split, pictures=False).findings}

    assert (split.issues, BLACK in found) == ((), False)


def test_an_orientation_may_stand_behind_the_pixels_of_a_png() -> None:
    data = saved(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), "PNG")
    tiff = b"II*\0" + struct.pack("<IHHHIHH", 8, 1, ORIENTATION, 3, 1, 6, 0) + bytes(4)
    chunk = struct.pack(">I", len(tiff)) + b"eXIf" + tiff
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    end = data.index(b"IEND") - 4

    header = header_of(data[:end] + chunk + data[end:])

    assert (header.orientation, header.shown) == (6, (HEIGHT, WIDTH))


EXIF = Pillow.Exif()
EXIF[ORIENTATION] = 6
SAMPLES = [
    saved(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), form, exif=EXIF)
    for form in ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=6)), max_size=4),
    st.integers(0, 400),
)
def test_any_damage_to_a_header_is_a_header_still(
    data: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    damaged = bytearray(data)
    for place, new in changes:
        damaged[place : place + len(new)] = new

    header = header_of(bytes(damaged)[: len(damaged) - cut])

    assert 1 <= header.orientation <= 8
    assert min(header.stored) >= 0

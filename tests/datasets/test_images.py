import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.augment.colour import adjust_hsv
from suite.datasets.decode import load_image
from suite.datasets.images import encode_jpeg, letterbox, resize_longest, scale_to, stretch
from suite.datasets.split import DataError, Picture
from tests.narrowing import present

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/yolov5/ops.json").read_text())


def picture_of(file: Path, width: int, height: int) -> Picture:
    nothing = np.empty(0)
    return Picture(
        1,
        file,
        width,
        height,
        nothing.reshape(0, 4),
        nothing.astype(int),
        nothing.astype(bool),
        nothing,
    )


@pytest.mark.parametrize(
    "case", GOLDEN["letterbox"], ids=lambda case: "x".join(map(str, case["shape_hw"]))
)
def test_letterbox_places_a_picture_where_the_reference_does(case: dict) -> None:
    height, width = case["shape_hw"]
    size, arguments = case["new_shape"], case["arguments"]
    image = np.full((height, width, 3), 255, np.uint8)

    padded, place = (
        stretch(image, size)
        if arguments.get("scaleFill")
        else letterbox(
            image,
            size if isinstance(size, int) else tuple(size),
            enlarge=arguments.get("scaleup", True),
            stride=arguments["stride"] if arguments["auto"] else None,
        )
    )

    white = (padded == 255).all(axis=2)
    rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
    assert list(place.size) == list(padded.shape[:2]) == case["out_hw"]
    assert place.ratio == pytest.approx(case["ratio"], abs=1e-8)
    assert [place.pad_left, place.pad_top] == case["pad_wh"]
    assert [rows[0], rows[-1]] == case["image_rows"]
    assert [columns[0], columns[-1]] == case["image_columns"]


def test_letterbox_pads_with_grey_114() -> None:
    padded, _ = letterbox(np.zeros((10, 20, 3), np.uint8), 20)

    assert padded[0].tolist() == padded[-1].tolist() == [[114, 114, 114]] * 20


@pytest.mark.parametrize(
    ("width", "height", "size", "expected"),
    [
        (500, 375, 320, (320, 240)),
        (427, 640, 320, (213, 320)),
        (640, 427, 1280, (1280, 854)),
        (3000, 1, 300, (300, 1)),
    ],
)
def test_resizing_rounds_sides_down(
    width: int, height: int, size: int, expected: tuple[int, int]
) -> None:
    image, ratio = resize_longest(np.zeros((height, width, 3), np.uint8), size, training=False)

    assert (image.shape[1], image.shape[0]) == expected
    assert ratio == expected[1] / height


def test_shrinking_for_evaluation_averages_areas() -> None:
    stripes = np.zeros((8, 8, 3), np.uint8)
    stripes[::4] = 200

    image, _ = resize_longest(stripes, 2, training=False)

    assert image.tolist() == [[[50, 50, 50]] * 2] * 2


def test_a_colour_picture_is_red_green_blue(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "red.png"), np.full((4, 6, 3), (0, 0, 255), np.uint8))

    image = load_image(picture_of(tmp_path / "red.png", 6, 4))

    assert image[0, 0].tolist() == [255, 0, 0]


def test_a_grey_picture_has_three_equal_channels(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.arange(24, dtype=np.uint8).reshape(4, 6))

    image = load_image(picture_of(tmp_path / "grey.png", 6, 4))

    assert image.shape == (4, 6, 3)
    assert (image[..., 0] == image[..., 2]).all()


def turned_jpeg(file: Path) -> None:
    """A 6 x 4 JPEG whose EXIF orientation 6 turns it to 4 x 6."""
    data = cv2.imencode(".jpg", np.zeros((4, 6, 3), np.uint8))[1].tobytes()
    tags = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\x00\x01" + tags + b"\0\0\0\0"
    file.write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])


@pytest.mark.parametrize(("width", "height"), [(6, 4), (4, 6)])
def test_a_picture_turned_by_exif_has_the_annotation_files_orientation(
    tmp_path: Path, width: int, height: int
) -> None:
    turned_jpeg(tmp_path / "turned.jpg")

    image = load_image(picture_of(tmp_path / "turned.jpg", width, height))

    assert image.shape == (height, width, 3)


def test_a_file_that_does_not_decode_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")

    with pytest.raises(DataError, match=r"bad.png: does not decode"):
        load_image(picture_of(tmp_path / "bad.png", 6, 4))


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 6, 3), np.uint8))

    with pytest.raises(DataError, match="is 6 x 4 pixels, but the annotations say 60 x 40"):
        load_image(replace(picture_of(tmp_path / "a.png", 6, 4), width=60, height=40))


def test_colour_gains_of_one_change_nothing_but_rounding() -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)

    same = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), cv2.COLOR_HSV2RGB)

    assert (adjust_hsv(image, (1, 1, 1)) == same).all()


def test_half_the_value_is_half_as_bright() -> None:
    assert adjust_hsv(np.full((1, 1, 3), 200, np.uint8), (1, 1, 0.5)).tolist() == [
        [[100, 100, 100]]
    ]


def test_scaling_down_keeps_small_pictures() -> None:
    small = np.zeros((10, 20, 3), np.uint8)

    assert scale_to(small, 40) == (small, 1.0)
    assert scale_to(small, 10)[0].shape == (5, 10, 3)


def test_jpeg_keeps_the_order_of_channels() -> None:
    data = encode_jpeg(np.full((8, 8, 3), (250, 5, 5), np.uint8))

    blue, _, red = present(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))[0, 0]
    assert (red > 200, blue < 50) == (True, True)

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.datasets.augment.canvas import Canvas, Piece, fitted, mosaic4, mosaic9
from suite.datasets.augment.geometry import _slopes, linear, moved, shifted, warped, worth_keeping
from suite.datasets.augment.order import Augment, Pool, Sample, augmented
from suite.datasets.random import RandomStream
from tests.datasets.painted import extent, painted, pixels_of

SIZE = (160, 160)


def quadrants(count: int, shape: tuple[int, int] = SIZE) -> list[Sample]:
    """As many pictures, each with one rectangle of its own colour."""
    height, width = shape
    return [
        painted(shape, {n: (width // 4, height // 5, width // 2 + 9, height // 2 + 17)})
        for n in range(count)
    ]


def boxed(*boxes: tuple[float, float, float, float], side: int = 100) -> Sample:
    return Sample(
        np.zeros((side, side, 3), np.uint8),
        np.array(boxes, np.float64).reshape(-1, 4),
        np.arange(len(boxes)),
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "augment",
    [
        Augment(translate=0.1, scale=0.4),
        Augment(degrees=180),
        Augment(shear=20),
        Augment(perspective=0.001),
        Augment(degrees=30, shear=10, perspective=0.001, translate=0.1, scale=0.3),
        Augment(scale=0.999),
    ],
    ids=["zoom", "degrees", "shear", "perspective", "all", "extreme-scale"],
)
def test_a_moved_box_is_where_its_object_is(augment: Augment, seed: int) -> None:
    sample = painted(SIZE, {0: (60, 70, 90, 100)})

    result = moved(fitted(sample, SIZE), SIZE, augment, RandomStream(seed))

    seen = extent(result.image, 0)
    # cut off: a turned box then hangs over its object
    if seen is None or min(seen) <= 0 or max(seen) >= SIZE[0]:
        assert len(result.boxes) <= 1
    elif min(seen[2] - seen[0], seen[3] - seen[1]) > 3:
        assert result.boxes.tolist()[0] == pytest.approx(seen, abs=1.5)


@pytest.mark.parametrize("factor", [0.5, 1.7])
def test_warped_boxes_are_neither_shifted_nor_grown_on_average(factor: float) -> None:
    """Counted from the middle of the first pixel, as OpenCV does, they would be shifted by (factor - 1) / 2."""
    canvas = fitted(painted(SIZE, {0: (30, 35, 45, 50)}), SIZE)
    stream = RandomStream(0)
    errors = []
    for _ in range(60):
        matrix = shifted(stream.uniform(0, 40), stream.uniform(0, 40)) @ linear(factor * np.eye(2))
        result = warped(canvas, SIZE, matrix, area=factor**2)
        errors.append(result.boxes[0] - np.array(extent(result.image, 0)))

    # 0.3: of evenly spread rounding
    assert np.abs(np.mean(errors, axis=0)).max() < 4 * 0.3 / np.sqrt(60)


@pytest.mark.parametrize(("count", "layout"), [(4, mosaic4), (9, mosaic9)])
@pytest.mark.parametrize("seed", range(3))
def test_boxes_of_a_mosaic_are_where_the_objects_are(count: int, layout, seed: int) -> None:
    stream = RandomStream(seed)
    pictures = quadrants(count, (120, 160))

    result = moved(layout(pictures, 160, stream), SIZE, Augment(translate=0.1, scale=0.5), stream)

    for box, label in zip(result.boxes.tolist(), result.labels.tolist(), strict=True):
        assert box == pytest.approx(extent(result.image, label), abs=1.5)
    for colour in set(range(count)) - set(result.labels.tolist()):
        left, top, right, bottom = extent(result.image, colour) or [0, 0, 0, 0]
        whole = 49 * 41 * 1.5**2
        assert (
            min(right - left, bottom - top) <= 3
            or (right - left) * (bottom - top) <= 0.1 * whole + 10
        )


def test_four_pictures_meet_in_a_point_and_cover_their_canvas_where_they_reach() -> None:
    canvas = mosaic4(quadrants(4), 160, RandomStream(1))

    x, y = canvas.pieces[3].left, canvas.pieces[3].top
    assert [(p.left, p.top) for p in canvas.pieces] == [
        (x - 160, y - 160),
        (x, y - 160),
        (x - 160, y),
        (x, y),
    ]
    assert 80 <= min(x, y) <= max(x, y) <= 240
    assert canvas.size == (320, 320)


def test_nine_pictures_of_any_shapes_touch_but_never_overlap() -> None:
    shapes = [
        (160, 90),
        (60, 160),
        (160, 160),
        (120, 160),
        (160, 40),
        (100, 160),
        (160, 70),
        (30, 160),
        (160, 120),
    ]
    pictures = [painted(shape, {}) for shape in shapes]

    canvas = mosaic9(pictures, 160, RandomStream(2))

    covered = np.zeros((900, 900), int)
    for piece in canvas.pieces:
        height, width = piece.image.shape[:2]
        covered[
            piece.top + 300 : piece.top + 300 + height, piece.left + 300 : piece.left + 300 + width
        ] += 1
    assert covered.max() == 1
    assert covered.sum() == sum(height * width for height, width in shapes)
    middle = canvas.pieces[0]
    assert all(0 < corner <= 160 for corner in (middle.left, middle.top))


def test_a_window_shows_what_the_painted_canvas_shows() -> None:
    canvas = mosaic4(quadrants(4, (110, 160)), 160, RandomStream(3))

    whole = canvas.window(0, 0, 320, 320)
    part = canvas.window(50, 70, 200, 330)

    assert np.array_equal(part[:250], whole[70:320, 50:200])
    assert (part[250:] == 114).all()


def test_what_of_a_picture_lies_beyond_its_canvas_is_never_seen() -> None:
    white = np.full((200, 200, 3), 255, np.uint8)
    canvas = Canvas((100, 120), (Piece(white, -40, -40),), np.empty((0, 4)), np.empty(0, np.int64))

    rows, columns = np.nonzero((canvas.window(-30, -20, 150, 150) == 255).all(axis=-1))

    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 119, 30, 149)


def test_settings_of_nothing_change_nothing() -> None:
    sample = painted(SIZE, {0: (10, 20, 90, 100), 3: (100, 5, 150, 150)})

    for result in (
        augmented(Pool(lambda _: sample, [0]), 0, SIZE, Augment(fliplr=0), RandomStream(0)),
        moved(fitted(sample, SIZE), SIZE, Augment(), RandomStream(0)),
    ):
        assert np.array_equal(result.image, sample.image)
        assert result.boxes.tolist() == sample.boxes.tolist()
        assert result.labels.tolist() == [0, 3]


def test_a_slow_warp_and_a_fast_zoom_show_the_same() -> None:
    canvas = mosaic4(quadrants(4), 160, RandomStream(5))
    zoom = Augment(scale=0.5, translate=0.1)
    hardly_turned = Augment(scale=0.5, translate=0.1, degrees=1e-9)

    for seed in range(3):
        stream, other = RandomStream(seed), RandomStream(seed)
        other_turn = stream.uniform()  # what the turn takes
        fast, slow = moved(canvas, SIZE, zoom, stream), moved(canvas, SIZE, hardly_turned, other)
        assert 0 <= other_turn < 1
        assert fast.labels.tolist() == slow.labels.tolist()
        assert np.abs(fast.boxes - slow.boxes).max() < 1.5
        differ = [(pixels_of(fast.image, n) != pixels_of(slow.image, n)).mean() for n in range(4)]
        assert max(differ) < 0.02


class Fixed(RandomStream):
    """Every even number lies at the same share of its range."""

    def __init__(self, share: float) -> None:
        super().__init__(0)
        self._share = share

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * self._share


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_point_goes_the_references_way(share: float) -> None:
    """Middle, depth, turn and scale, shear, shift: M = T S R P C, written out for one corner after another."""
    augment = Augment(degrees=40, shear=15, perspective=0.001, scale=0.4, translate=0.2)
    box, size = (70.0, 60.0, 110.0, 90.0), (150, 200)
    sample = Sample(np.zeros((160, 160, 3), np.uint8), np.array([box]), np.array([0]))

    (moved_box,) = moved(fitted(sample, (160, 160)), size, augment, Fixed(share)).boxes

    drawn = 2 * share - 1
    slope, turn, lean = 0.001 * drawn, math.radians(40 * drawn), math.tan(math.radians(15 * drawn))
    factor, shift = 1 + 0.4 * drawn, 0.5 + 0.2 * drawn
    xs, ys = [], []
    for x, y in ((box[i] - 80, box[j] - 80) for i in (0, 2) for j in (1, 3)):
        depth = 1 + slope * x + slope * y
        turned_x = factor * (math.cos(turn) * x + math.sin(turn) * y)
        turned_y = factor * (math.cos(turn) * y - math.sin(turn) * x)
        xs.append((turned_x + lean * turned_y + shift * 200 * depth) / depth)
        ys.append((turned_y + lean * turned_x + shift * 150 * depth) / depth)
    expected = [max(min(xs), 0), max(min(ys), 0), min(max(xs), 200), min(max(ys), 150)]
    assert moved_box.tolist() == pytest.approx(expected, rel=1e-9)


def test_the_corners_of_a_mosaic_keep_a_tenth_of_the_depth() -> None:
    """Uncut, depth at 640 pixels falls to 1 - 0.001 x (1280 / 2 + 1280 / 2) = -0.28."""
    canvas = fitted(boxed(side=1280), (1280, 1280))

    slopes = [_slopes(canvas, Augment(perspective=0.001), RandomStream(seed)) for seed in range(99)]

    depths = [1 - 640 * (abs(x) + abs(y)) for x, y in slopes]
    assert min(depths) == pytest.approx(0.1)
    assert sum(depth > 0.11 for depth in depths) > 65  # of 82 expected


def test_a_box_made_small_whole_is_kept() -> None:
    """To a fifth of its sides, which is less than a tenth of its area, but none of it is lost."""
    sample = painted(SIZE, {0: (50, 50, 110, 110)})

    result = moved(fitted(sample, SIZE), SIZE, Augment(scale=0.8), Fixed(0.0))

    assert result.boxes.tolist() == [pytest.approx([74, 74, 86, 86])]


@pytest.mark.parametrize("seed", range(5))
def test_a_warp_of_a_window_shows_what_a_warp_of_the_whole_shows(seed: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (320, 320, 3), np.uint8)
    canvas = Canvas((320, 320), (Piece(noise, 0, 0),), np.empty((0, 4)), np.empty(0, np.int64))
    stream = RandomStream(seed)
    turn = linear(np.array([[1.3, stream.uniform(-0.5, 0.5)], [stream.uniform(-0.5, 0.5), 1.2]]))
    matrix = shifted(-60, -90) @ turn

    result = warped(canvas, SIZE, matrix)

    by_pixel = (shifted(-0.5, -0.5) @ matrix @ shifted(0.5, 0.5))[:2]
    whole = cv2.warpAffine(noise, by_pixel, SIZE[::-1], borderValue=(114,) * 3)
    assert (
        np.abs(result.image.astype(int) - whole) > 16
    ).mean() < 0.001  # positions are rounded to 1/32 of a pixel


@pytest.mark.parametrize(
    ("left", "whole", "kept"),
    [
        ((0, 0, 10, 10), 100, True),
        ((0, 0, 2, 50), 100, False),  # a side of two pixels
        ((0, 0, 10, 10), 1000, False),  # a tenth of its area
        ((0, 0, 10, 10.1), 1000, True),
        ((0, 0, 3, 300), 900, False),  # a hundred times as long as wide
        ((0, 0, 3, 299), 900, True),
    ],
)
def test_boxes_are_dropped_by_yolov5s_three_limits(left, whole: float, kept: bool) -> None:
    assert worth_keeping(np.array([left], float), np.array([whole], float)).tolist() == [kept]


def noting(asked: list[int], samples: Sequence[Sample]) -> Callable[[int], Sample]:
    """Gives the samples and writes down which are asked for."""

    def fetch(index: int) -> Sample:
        asked.append(index)
        return samples[index]

    return fetch


def test_a_share_of_the_mosaics_has_nine_pictures() -> None:
    counts = []
    for seed in range(60):
        asked: list[int] = []
        pool = Pool(noting(asked, [boxed((1, 1, 50, 50))] * 7), range(7))
        augmented(pool, 3, (100, 100), Augment(mosaic=1, mosaic9=0.5), RandomStream(seed))
        counts.append(len(asked))
        assert 3 in asked

    assert set(counts) == {4, 9}
    assert 15 <= counts.count(9) <= 45


shares = st.floats(0, 1)
any_augment = st.builds(
    Augment,
    fliplr=shares, flipud=shares, mosaic=shares, mosaic9=shares, mixup=shares, copy_paste=shares, hsv_hue=shares,
    hsv_saturation=shares, hsv_value=shares, degrees=st.floats(0, 180), translate=shares, scale=st.floats(0, 0.999),
    shear=st.floats(0, 45), perspective=st.floats(0, 0.001), cutmix=shares, erasing=shares,
    randaugment=st.integers(0, 3), randaugment_magnitude=st.floats(0, 10), randaugment_spread=st.floats(0, 10),
)  # fmt: skip


@st.composite
def any_sample(draw: st.DrawFn) -> Sample:
    longest, other = 96, draw(st.integers(1, 96))
    height, width = (longest, other) if draw(st.booleans()) else (other, longest)
    edges = st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=4)
    boxes = [(min(a, c) * width, min(b, d) * height, max(a, c) * width, max(b, d) * height)
             for a, b, c, d in draw(edges)]  # fmt: skip
    array = np.array(boxes, np.float64).reshape(-1, 4)
    outlines = tuple(np.array([[x0, y0], [x1, y0], [x1, y1]]) for x0, y0, x1, y1 in boxes)
    image = np.full((height, width, 3), 90, np.uint8)
    return Sample(image, array, np.arange(len(boxes)), outlines if draw(st.booleans()) else ())


@settings(max_examples=60, deadline=None)
@given(
    any_augment,
    st.lists(any_sample(), min_size=1, max_size=3),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_whatever_is_done_boxes_lie_in_the_picture_and_come_from_the_sources(
    augment: Augment, samples: list[Sample], seed: int, square: bool
) -> None:
    indices: list[int] = []
    pool = Pool(noting(indices, samples), range(len(samples)))
    size = (96, 96) if square else (64, 96)

    result = augmented(pool, 0, size, augment, RandomStream(seed))

    assert result.image.shape == (*size, 3)
    assert result.image.dtype == np.uint8
    assert np.isfinite(result.boxes).all()
    assert (result.boxes >= 0).all()
    assert (result.boxes <= np.array(size[::-1] * 2)).all()
    assert (result.boxes[:, :2] <= result.boxes[:, 2:]).all()
    assert len(result.boxes) == len(result.labels)
    most = sum(
        len(sample.boxes) * (2 if sample.outlines and augment.copy_paste else 1)
        for sample in (samples[index] for index in indices)
    )
    assert len(result.boxes) <= most


def test_the_same_dice_give_the_same_sample_and_others_another() -> None:
    samples = quadrants(4)
    pool = Pool(samples.__getitem__, range(4))
    rich = Augment(
        mosaic=1, mixup=0.5, degrees=10, hsv_value=0.4, randaugment=2, erasing=0.3, cutmix=0.5
    )

    images = [augmented(pool, 0, SIZE, rich, RandomStream(seed)).image for seed in (7, 7, 8, 9)]

    assert np.array_equal(images[0], images[1])
    assert all(not np.array_equal(a, b) for a, b in pairwise(images[1:]))

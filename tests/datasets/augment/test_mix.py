import math

import numpy as np
import pytest

from suite.datasets.augment.canvas import Canvas, Piece
from suite.datasets.augment.mix import _seen_around, copy_pasted, cut_mixed, erased, mixed
from suite.datasets.augment.order import Sample
from suite.datasets.random import RandomStream
from tests.datasets.painted import COLOURS, extent, painted

SIZE = (120, 160)
ONE = painted(
    SIZE, {0: (10, 10, 60, 50), 1: (80, 20, 150, 40), 2: (20, 70, 40, 115), 3: (70, 60, 120, 110)}
)
OTHER = painted(
    SIZE, {4: (5, 5, 75, 30), 5: (90, 10, 100, 100), 6: (10, 60, 70, 110), 7: (110, 70, 150, 90)}
)


def visible_boxes_are_right(result: Sample, sources: tuple[Sample, ...]) -> None:
    """Every box is the extent of its object's pixels, and every object without one has hardly any left."""
    for box, label in zip(result.boxes.tolist(), result.labels.tolist(), strict=True):
        assert box == extent(result.image, label)
    areas = {
        int(label): float((box[2] - box[0]) * (box[3] - box[1]))
        for source in sources
        for box, label in zip(source.boxes, source.labels, strict=True)
    }
    for colour in set(areas) - set(result.labels.tolist()):
        seen = extent(result.image, colour)
        if seen is not None:
            left, top, right, bottom = seen
            pixels = (result.image == COLOURS[colour]).all(axis=-1).sum()
            assert pixels <= 0.1 * areas[colour] or min(right - left, bottom - top) <= 2


@pytest.mark.parametrize("seed", range(30))
def test_cutmix_keeps_of_each_box_what_is_seen(seed: int) -> None:
    visible_boxes_are_right(cut_mixed(ONE, OTHER, RandomStream(seed)), (ONE, OTHER))


@pytest.mark.parametrize(
    ("hole", "seen"),
    [
        ((0, 0, 200, 60), [[10, 60, 110, 110]]),  # the upper half
        ((60, 0, 200, 200), [[10, 10, 60, 110]]),  # the right half
        ((0, 0, 60, 60), [[10, 10, 110, 110]]),  # a corner
        ((0, 0, 107, 107), []),  # all but a corner's edges: 1 - 0.97²
        ((0, 0, 200, 101), []),  # all but a tenth
        ((120, 0, 200, 200), [[10, 10, 110, 110]]),  # nothing
    ],
)
def test_what_is_seen_around_a_hole(hole: tuple[int, int, int, int], seen: list[list[int]]) -> None:
    boxes, kept = _seen_around(np.array([[10, 10, 110, 110]], float), hole)

    assert boxes[kept].tolist() == seen


def test_cutmix_shows_on_average_as_much_of_either_picture() -> None:
    """The side of the hole is the root of an even number, but holes are cut off at the picture's edge."""
    black, white = (
        Sample(np.full((50, 50, 3), v, np.uint8), np.empty((0, 4)), np.empty(0, int))
        for v in (0, 255)
    )

    shown = [cut_mixed(black, white, RandomStream(seed)).image.mean() / 255 for seed in range(400)]

    # of a hole of side s with its middle anywhere, s (1 - s / 4) is left on each axis: the mean of s² (1 - s / 4)²
    side = np.sqrt((np.arange(10_000) + 0.5) / 10_000)
    assert np.mean(shown) == pytest.approx(np.mean((side * (1 - side / 4)) ** 2), abs=0.03)


@pytest.mark.parametrize("seed", range(30))
def test_erasing_cuts_off_what_is_hidden(seed: int) -> None:
    result = erased(ONE, RandomStream(seed))

    noise = (result.image != ONE.image).any(axis=-1)
    rows, columns = np.nonzero(noise)
    hidden = np.zeros(SIZE, bool)
    hidden[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    clean = np.where(hidden[..., None], 40, ONE.image).astype(np.uint8)
    visible_boxes_are_right(Sample(clean, result.boxes, result.labels), (ONE,))
    assert 0.015 <= hidden.mean() <= 0.35
    assert hidden.mean() == pytest.approx(noise.mean(), rel=0.02)


def test_mixup_joins_all_boxes_and_weighs_both_pictures() -> None:
    black, white = (np.full((*SIZE, 3), value, np.uint8) for value in (0, 200))

    result = mixed(
        Sample(black, ONE.boxes, ONE.labels),
        Sample(white, OTHER.boxes, OTHER.labels),
        RandomStream(0),
    )

    assert len(np.unique(result.image)) == 1
    assert result.image[0, 0, 0] == round(200 * (1 - RandomStream(0).beta(32)))
    assert result.labels.tolist() == list(range(8))


def test_the_share_of_mixup_has_the_moments_of_beta_32_32() -> None:
    stream = RandomStream(1)

    shares = np.array([stream.beta(32) for _ in range(1500)])

    variance = 1 / (4 * (2 * 32 + 1))
    assert shares.mean() == pytest.approx(0.5, abs=4 * math.sqrt(variance / 1500))
    assert shares.var() == pytest.approx(variance, rel=0.15)


def test_the_bell_has_mean_zero_and_variance_one() -> None:
    stream = RandomStream(2)

    values = np.array([stream.normal() for _ in range(4000)])

    assert values.mean() == pytest.approx(0, abs=4 / math.sqrt(4000))
    assert values.var() == pytest.approx(1, rel=0.1)


def canvas_of(sample: Sample, *outlines: np.ndarray) -> Canvas:
    return Canvas(SIZE, (Piece(sample.image, 0, 0),), sample.boxes, sample.labels, outlines)


TRIANGLE = np.array([[10, 10], [60, 10], [10, 50]], float)
NOTHING = np.empty((0, 2))


def test_a_copied_object_is_pasted_mirrored_along_its_outline() -> None:
    lone = painted(SIZE, {0: (10, 10, 60, 50)})
    lone.image[10:50, 11] = 9

    result = copy_pasted(canvas_of(lone, TRIANGLE), 1.0, RandomStream(0))

    image = result.window(0, 0, 160, 120)
    assert result.labels.tolist() == [0, 0]
    assert result.boxes[1].tolist() == [160 - 60, 10, 160 - 10, 50]
    assert image[11, 160 - 12].tolist() == [9, 9, 9]  # of what was the left edge
    right_half = image[:, 80:]
    inside = (right_half == COLOURS[0]).all(axis=-1)
    assert inside.sum() == pytest.approx(50 * 40 / 2, rel=0.06)  # the triangle, half of its box
    assert inside[12, 160 - 14 - 80]  # the right angle is on the right now
    assert not inside[48, 160 - 58 - 80]
    assert np.array_equal(image[:, :80], lone.image[:, :80])


def test_nothing_is_pasted_over_a_third_of_a_box() -> None:
    crowded = painted(SIZE, {0: (10, 10, 60, 50), 1: (100, 10, 150, 140 - 30)})

    result = copy_pasted(canvas_of(crowded, TRIANGLE, NOTHING), 1.0, RandomStream(0))

    assert len(result.boxes) == 2  # 40 of the other's 100 rows would be hidden


def test_objects_without_outline_are_never_copied() -> None:
    lone = painted(SIZE, {0: (10, 10, 60, 50)})

    for outlines in ((), (NOTHING,)):
        assert len(copy_pasted(canvas_of(lone, *outlines), 1.0, RandomStream(0)).boxes) == 1


def test_the_share_is_of_the_outlined_objects() -> None:
    boxes = {n: (2, 12 * n, 22, 12 * n + 10) for n in range(9)}
    sample = painted(SIZE, boxes)
    outlines = [np.array([[2, 12 * n], [22, 12 * n], [22, 12 * n + 10]], float) for n in range(8)]

    result = copy_pasted(canvas_of(sample, *outlines, NOTHING), 0.5, RandomStream(3))

    assert len(result.boxes) - 9 == 4
    assert len(set(result.labels[9:].tolist())) == 4

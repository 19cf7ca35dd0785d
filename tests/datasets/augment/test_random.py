from collections.abc import Callable

import numpy as np
import pytest

from suite.datasets.augment import colour, values
from suite.datasets.augment.order import Augment
from suite.datasets.augment.random import _MOVES, _OPERATIONS, _PAINTS, randomly_changed
from suite.datasets.random import RandomStream
from tests.datasets.painted import extent, painted

NOISE = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)


def by_value(change: Callable[[int], float]) -> np.ndarray:
    """Every value of the noise changed by itself, cut to the range, decimals dropped."""
    return np.array([int(min(max(change(int(v)), 0), 255)) for v in NOISE.flatten()]).reshape(
        NOISE.shape
    )


def test_there_are_timms_fifteen_operations() -> None:
    assert (len(_PAINTS), len(_MOVES)) == (10, 5)


@pytest.mark.parametrize(
    ("made", "naive"),
    [
        (values.solarized(NOISE, 0), lambda v: 255 - v),
        (values.solarized(NOISE, 100), lambda v: v if v < 100 else 255 - v),
        (values.brightened_shadows(NOISE, 99), lambda v: v + 99 if v < 128 else v),
        (values.posterized(NOISE, 3), lambda v: v // 32 * 32),
        (values.posterized(NOISE, 0), lambda v: 0),
        (values.brightened(NOISE, 1.5), lambda v: v * 1.5),
        (values.brightened(NOISE, 0.5), lambda v: v * 0.5),
    ],
    ids=["invert", "solarize", "solarize-add", "posterize", "posterize-all", "brighter", "darker"],
)
def test_changes_of_single_values_are_their_formulas(
    made: np.ndarray, naive: Callable[[int], float]
) -> None:
    assert np.array_equal(made, by_value(naive))


@pytest.mark.parametrize("change", [colour.contrasted, colour.coloured, colour.sharpened])
def test_a_factor_of_one_changes_nothing(change) -> None:
    assert np.abs(change(NOISE, 1.0).astype(int) - NOISE).max() <= 1


def test_without_colour_a_picture_is_grey_and_without_contrast_even() -> None:
    assert (np.ptp(colour.coloured(NOISE, 0.0), axis=-1) == 0).all()
    assert np.ptp(colour.contrasted(NOISE, 0.0)) == 0


def test_stretched_values_reach_from_0_to_255_in_each_channel() -> None:
    dull = (NOISE // 4 + np.array([20, 60, 100])).astype(np.uint8)
    flat = np.full((4, 4, 3), 9, np.uint8)

    result = colour.stretched_values(dull)

    assert (result.min(axis=(0, 1)).tolist(), result.max(axis=(0, 1)).tolist()) == (
        [0] * 3,
        [255] * 3,
    )
    assert np.array_equal(colour.stretched_values(flat), flat)


def test_hue_turns_and_the_others_end_at_full() -> None:
    red = np.full((1, 1, 3), (200, 100, 100), np.uint8)  # hue 0, saturation 1/2, value 200

    assert colour.adjust_hsv(red, (1.0, 1.0, 1.0))[0, 0].tolist() == [200, 100, 100]
    assert colour.adjust_hsv(red, (1.0, 0.0, 1.0))[0, 0].tolist() == [200, 200, 200]
    assert colour.adjust_hsv(red, (1.0, 1.0, 2.0))[0, 0].tolist() == pytest.approx(
        [255, 128, 128], abs=1
    )
    assert colour.adjust_hsv(red, (1.0, 9.0, 1.0))[0, 0].tolist() == [200, 0, 0]


@pytest.mark.parametrize("number", range(len(_OPERATIONS)))
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_every_operation_takes_the_boxes_with_it(number: int, share: float) -> None:
    sample = painted((90, 120), {0: (50, 35, 75, 55)})
    moves = number >= len(_PAINTS)

    result = _OPERATIONS[number](sample, share, RandomStream(number))

    assert result.image.shape == sample.image.shape
    assert result.image.dtype == np.uint8
    if not moves:
        assert np.array_equal(result.boxes, sample.boxes)
    else:
        assert result.boxes.tolist()[0] == pytest.approx(extent(result.image, 0), abs=1.5)


def test_half_of_the_operations_drawn_are_carried_out() -> None:
    sample = painted((20, 20), {0: (5, 5, 15, 15)})
    dark = Augment(randaugment=1, randaugment_magnitude=9, randaugment_spread=0.5)

    changed = [
        not np.array_equal(randomly_changed(sample, dark, RandomStream(seed)).image, sample.image)
        for seed in range(300)
    ]

    # some operations leave this picture as it is, whatever their magnitude
    assert 0.3 < np.mean(changed) < 0.55

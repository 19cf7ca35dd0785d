from pathlib import Path
from typing import Any

import pytest

from suite.datasets.augment.order import Augment
from suite.datasets.loading.loader import TrainingBatches
from suite.datasets.loading.multiscale import largest_size, other_size
from suite.datasets.random import RandomStream
from tests.datasets.made_pictures import made_picture, made_split


def sizes(shape: tuple[int, int], reach: float, stride: int = 32) -> list[tuple[int, int]]:
    return [other_size(shape, reach, stride=stride, stream=RandomStream(n)) for n in range(60)]


def test_sizes_are_all_multiples_of_the_stride_within_reach() -> None:
    assert set(sizes((128, 128), 0.5)) == {(n, n) for n in (64, 96, 128, 160, 192)}


@pytest.mark.parametrize("stride", [32, 64])
def test_a_rectangle_stays_one_of_whole_strides(stride: int) -> None:
    found = sizes((64, 128), 0.5, stride=stride)

    assert {side % stride for size in found for side in size} == {0}
    assert all(0.5 <= height / width < 0.5 + stride / width for height, width in found)


def test_where_no_other_multiple_is_in_reach_the_size_stays() -> None:
    assert set(sizes((64, 64), 0.2, stride=64)) == {(64, 64)}


@pytest.mark.parametrize("shape", [(128, 128), (64, 128), (128, 40), (100, 100)])
@pytest.mark.parametrize("reach", [0.1, 0.5, 0.9])
def test_the_largest_size_is_the_largest_that_comes(shape: tuple[int, int], reach: float) -> None:
    assert largest_size(shape, reach, stride=32) == max(sizes(shape, reach))


def test_the_size_of_a_batch_depends_on_seed_and_step_alone(tmp_path: Path) -> None:
    split = made_split(tmp_path, made_picture(tmp_path, 0, (128, 128), []))

    def seen(seed: int, start: int = 0, **other: Any) -> list[tuple[int, int] | None]:
        augment = Augment(multi_scale=0.5, **other)
        loader = TrainingBatches(
            split, image_size=128, batch=1, steps=20, seed=seed, augment=augment, start=start
        )
        return [batch.size for batch in loader]

    assert seen(0) == seen(0, mosaic=1.0)
    assert seen(0, start=7) == seen(0)[7:]
    assert seen(0) != seen(1)


def test_without_multi_scale_a_batch_names_no_size(tmp_path: Path) -> None:
    split = made_split(tmp_path, made_picture(tmp_path, 0, (32, 32), []))

    assert [
        batch.size for batch in TrainingBatches(split, image_size=32, batch=1, steps=2, seed=0)
    ] == [None, None]

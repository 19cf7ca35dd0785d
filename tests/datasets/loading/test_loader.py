from pathlib import Path

import numpy as np
import pytest
import torch

from suite.datasets.loading.loader import Augment, TrainingBatches, ValidationBatches
from suite.datasets.split import DataError, Split
from suite.protocols.loading import Cache, Loading
from tests.datasets.made_pictures import made_picture, made_split

STILL = Augment(fliplr=0.0)
EVERYTHING = Augment(fliplr=0.5, flipud=0.5, mosaic=0.5, hsv_hue=0.1, hsv_saturation=0.7, hsv_value=0.4,
                     translate=0.1, scale=0.5)  # fmt: skip


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Five pictures of 64 x 32 pixels with one white box each, further right in each."""
    pictures = [
        made_picture(tmp_path, n, (64, 32), [[8 * n, 8, 8, 16]], labels=[n % 2]) for n in range(5)
    ]
    return made_split(tmp_path, *pictures)


def batches(split: Split, steps: int = 6, seed: int = 0, **rest) -> list:
    return list(
        TrainingBatches(
            split, image_size=64, batch=4, steps=steps, seed=seed, **{"augment": STILL, **rest}
        )
    )


def equal(one: list, other: list) -> bool:
    return all(
        torch.equal(a.images, b.images) and torch.equal(a.targets, b.targets)
        for a, b in zip(one, other, strict=True)
    )  # fmt: skip


def white_box(image: torch.Tensor) -> list[float]:
    """Centre and size of the white pixels as shares of the image."""
    rows, columns = ((image > 200).all(0).any(axis).nonzero()[:, 0] for axis in (1, 0))
    x0, x1, y0, y1 = (
        float(v) / image.shape[-1] for v in (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1)
    )
    return [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]


def test_a_batch_has_the_promised_form(split: Split) -> None:
    (batch,) = batches(split, steps=1)

    assert (batch.images.shape, batch.images.dtype) == ((4, 3, 64, 64), torch.uint8)
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert (batch.targets.shape, batch.targets.dtype) == ((4, 6), torch.float32)
    assert batch.targets[:, 0].tolist() == [0, 1, 2, 3]


def test_targets_lie_where_the_objects_are(split: Split) -> None:
    (batch,) = batches(split, steps=1)

    for image, target in zip(batch.images, batch.targets, strict=True):
        assert target[2:].tolist() == pytest.approx(white_box(image))


def test_flips_move_targets_with_the_objects(split: Split) -> None:
    (batch,) = batches(split, steps=1, augment=Augment(fliplr=1.0, flipud=1.0))

    for image, target in zip(batch.images, batch.targets, strict=True):
        assert target[2:].tolist() == pytest.approx(white_box(image))


def test_moving_and_scaling_moves_targets_with_the_objects(tmp_path: Path) -> None:
    picture = made_picture(tmp_path, 1, (64, 64), [[24, 24, 16, 16]])

    (batch,) = batches(
        made_split(tmp_path, picture), steps=1, augment=Augment(fliplr=0, translate=0.1, scale=0.3)
    )

    for image, target in zip(batch.images, batch.targets, strict=True):
        # edges are interpolated
        assert target[2:].tolist() == pytest.approx(white_box(image), abs=1.5 / 64)


def test_a_mosaic_holds_objects_of_several_pictures_inside_the_image(split: Split) -> None:
    found = batches(split, steps=10, augment=Augment(mosaic=1.0))

    targets = torch.cat([batch.targets for batch in found])
    corners = torch.cat(
        (targets[:, 2:4] - targets[:, 4:] / 2, targets[:, 2:4] + targets[:, 4:] / 2), 1
    )
    assert len(targets) > 10 * 4
    assert corners.min() >= -1e-6
    assert corners.max() <= 1 + 1e-6


def test_every_picture_comes_once_before_any_comes_again(split: Split) -> None:
    found = batches(split, steps=5)

    order = [round(float(t[2]) * 64 - 4) // 8 for batch in found for t in batch.targets]
    epochs = [order[start : start + 5] for start in range(0, 20, 5)]
    assert [sorted(epoch) for epoch in epochs] == [[0, 1, 2, 3, 4]] * 4
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_the_same_seed_gives_the_same_batches(split: Split) -> None:
    assert equal(
        batches(split, seed=3, augment=EVERYTHING), batches(split, seed=3, augment=EVERYTHING)
    )


def test_another_seed_gives_another_order_and_other_augmentation(split: Split) -> None:
    assert not equal(batches(split, seed=3), batches(split, seed=4))
    one = made_split(split.folder, split.pictures[0])
    assert not equal(
        batches(one, seed=3, augment=EVERYTHING), batches(one, seed=4, augment=EVERYTHING)
    )


def test_a_run_continued_in_the_middle_sees_what_the_whole_run_saw(split: Split) -> None:
    whole = batches(split, steps=7, augment=EVERYTHING)

    assert equal(batches(split, steps=7, start=3, augment=EVERYTHING), whole[3:])


@pytest.mark.parametrize("limit", [0, 64 * 32 * 3 * 2])
def test_a_small_cache_changes_no_batch(split: Split, limit: int) -> None:
    assert equal(batches(split, loading=Loading(cache=Cache(limit))), batches(split))


def test_augmentation_never_writes_into_the_cache(split: Split) -> None:
    loader = TrainingBatches(split, image_size=64, batch=4, steps=5, seed=0, augment=EVERYTHING)

    assert equal(list(loader), list(loader))


def test_crowd_regions_are_not_trained_on(tmp_path: Path) -> None:
    boxes = [[8.0, 8.0, 8.0, 8.0], [0.0, 0.0, 40.0, 30.0]]
    picture = made_picture(tmp_path, 1, (64, 64), boxes, labels=[1, 0], crowd=[False, True])

    (batch,) = batches(made_split(tmp_path, picture), steps=1)

    assert batch.targets[:, 1].tolist() == [1] * 4


def test_pictures_without_objects_are_trained_on(tmp_path: Path) -> None:
    (batch,) = batches(
        made_split(tmp_path, made_picture(tmp_path, 1, (64, 64), [])), steps=1, augment=EVERYTHING
    )

    assert batch.targets.shape == (0, 6)


def test_training_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pictures"):
        TrainingBatches(made_split(tmp_path), image_size=64, batch=4, steps=1, seed=0)


def test_validation_gives_every_picture_once_in_order(split: Split) -> None:
    loader = ValidationBatches(split, image_size=64, batch=2)

    found = list(loader)
    assert [len(batch.pictures) for batch in found] == [2, 2, 1]
    assert len(loader) == 3
    assert [picture.id for batch in found for picture in batch.pictures] == [0, 1, 2, 3, 4]


def test_validation_does_not_depend_on_the_batch(split: Split) -> None:
    def images(batch: int) -> np.ndarray:
        return np.concatenate(
            [b.images.numpy() for b in ValidationBatches(split, image_size=48, batch=batch)]
        )

    assert np.array_equal(images(1), images(5))


def test_validation_says_how_a_picture_lies_in_its_image(split: Split) -> None:
    batch = next(iter(ValidationBatches(split, image_size=32, batch=5)))

    box = batch.letterboxes[0]
    assert (box.ratio, box.pad_left, box.pad_top, box.size) == ((0.5, 0.5), 0, 8, (32, 32))

from pathlib import Path

import numpy as np
import pytest
import torch

from suite.datasets.augment.order import Augment
from suite.datasets.loading.loader import TrainingBatches
from suite.datasets.loading.rect import by_shape
from tests.datasets.made_pictures import made_picture, made_split

SHAPES = [(64, 32), (32, 64), (64, 64), (64, 48), (48, 64), (64, 33), (60, 64)]


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        # wider than tall: as high as the tallest, 480 of 640
        ([(640, 480), (640, 360)], (480, 640)),
        ([(480, 640), (360, 640)], (640, 480)),
        ([(640, 480), (480, 640)], (640, 640)),
        ([(640, 640), (640, 480)], (640, 640)),
        ([(1000, 501), (1000, 502)], (352, 640)),  # 0.502 x 640 / 32 = 10.04, rounded up
    ],
)
def test_a_batch_has_the_shape_of_its_least_extreme_picture(
    tmp_path: Path, shapes, expected
) -> None:
    pictures = [made_picture(tmp_path, n, shape, []) for n, shape in enumerate(shapes)]

    (group,) = by_shape(pictures, image_size=640, batch=2, stride=32)

    assert group.size == expected


def test_an_epoch_goes_from_wide_to_tall_and_shows_every_picture(tmp_path: Path) -> None:
    pictures = [made_picture(tmp_path, n, shape, []) for n, shape in enumerate(SHAPES)]

    groups = by_shape(pictures, image_size=64, batch=3, stride=16)

    ratios = [[pictures[i].height / pictures[i].width for i in group.pictures] for group in groups]
    assert [len(group.pictures) for group in groups] == [3, 3, 3]
    assert {i for group in groups for i in group.pictures} == set(range(len(SHAPES)))
    assert [*ratios[0], *ratios[1]] == sorted([*ratios[0], *ratios[1]])
    assert max(ratios[0]) <= min(ratios[2])


def test_fewer_pictures_than_a_batch_fill_it_again(tmp_path: Path) -> None:
    (group,) = by_shape(
        [made_picture(tmp_path, 0, (64, 32), [])], image_size=64, batch=3, stride=32
    )

    assert group.pictures == (0, 0, 0)


def test_rectangular_batches_hold_boxes_where_the_objects_are(tmp_path: Path) -> None:
    pictures = [
        made_picture(tmp_path, n, shape, [[8, 4, 16, 20]]) for n, shape in enumerate(SHAPES)
    ]
    loader = TrainingBatches(
        made_split(tmp_path, *pictures), image_size=64, batch=2, steps=8, seed=0, rect=True, stride=16,
        augment=Augment(fliplr=0.5, flipud=0.5),
    )  # fmt: skip

    shapes = []
    for batch in loader:
        shapes.append(tuple(batch.images.shape[2:]))
        for image, target in zip(batch.images, batch.targets, strict=True):
            rows, columns = np.nonzero((image > 200).all(0).numpy())
            height, width = image.shape[1:]
            seen = [
                columns.min() / width,
                rows.min() / height,
                (columns.max() + 1) / width,
                (rows.max() + 1) / height,
            ]
            corners = torch.cat((target[2:4] - target[4:] / 2, target[2:4] + target[4:] / 2))
            assert corners.tolist() == pytest.approx(seen, abs=1e-6)
    assert shapes[:4] == shapes[4:]  # four batches an epoch, always in the same order
    assert len(set(shapes)) > 1

"""YOLOv5's rectangular validation batches, by the published rule: ceil(shape x size / stride + 0.5) x stride."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.datasets.loading.rectangular import RectangularBatches, batch_shape
from suite.datasets.split import Split
from tests.datasets.made_pictures import made_picture, made_split


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ([(640, 640)], (672, 672)),
        ([(640, 480), (640, 640)], (672, 672)),
        ([(640, 480), (640, 320)], (512, 672)),  # the tallest decides: 480 + 16, up to 512
        ([(320, 640), (480, 640)], (672, 512)),
        ([(640, 320), (320, 640)], (672, 672)),
    ],
)
def test_the_shape_of_a_batch_is_what_its_pictures_need(
    tmp_path: Path, sizes: list[tuple[int, int]], shape: tuple[int, int]
) -> None:
    one = made_picture(tmp_path, 1, (8, 8), [])
    pictures = tuple(replace(one, width=width, height=height) for width, height in sizes)

    assert batch_shape(pictures, 640, 32) == shape


@pytest.fixture
def split(tmp_path: Path) -> Split:
    sizes = [(64, 48), (48, 64), (64, 32), (64, 64)]
    pictures = [made_picture(tmp_path, n, size, [[8, 8, 16, 16]]) for n, size in enumerate(sizes)]
    return made_split(tmp_path, *pictures)


def test_pictures_of_like_shape_come_together(split: Split) -> None:
    batches = list(RectangularBatches(split, image_size=64, batch=2, stride=32))

    assert [[p.id for p in batch.pictures] for batch in batches] == [[2, 0], [3, 1]]
    assert [tuple(batch.images.shape) for batch in batches] == [(2, 3, 64, 96), (2, 3, 96, 96)]


def test_a_box_lies_where_the_letterbox_says(split: Split) -> None:
    """The made pictures are grey but for their one white box."""
    for batch in RectangularBatches(split, image_size=64, batch=2, stride=32):
        for image, box in zip(batch.images, batch.letterboxes, strict=True):
            rows, columns = np.nonzero(image.numpy().min(axis=0) == 255)
            left, top = 8 * box.ratio[0] + box.pad_left, 8 * box.ratio[1] + box.pad_top
            assert (columns.min(), rows.min()) == (left, top)
            assert (columns.max() + 1, rows.max() + 1) == (left + 16, top + 16)

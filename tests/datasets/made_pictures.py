"""Small data sets whose every number is known by hand."""

from pathlib import Path

import cv2
import numpy as np

from suite.datasets.split import Category, Picture, Split


def made_picture(
    folder: Path, number: int, size: tuple[int, int], boxes: list[list[float]], **marks: list
) -> Picture:
    """A picture of `size` (width, height), grey but for its boxes, which are white; `labels` and `crowd` as lists."""
    image = np.full((size[1], size[0], 3), 40, np.uint8)
    for x, y, width, height in boxes:
        image[int(y) : int(y + height), int(x) : int(x + width)] = 255
    file = folder / f"{number}.png"
    cv2.imwrite(str(file), image)
    array = np.array(boxes, np.float64).reshape(-1, 4)
    labels = np.array(marks.get("labels", [0] * len(boxes)), np.int64)
    crowd = np.array(marks.get("crowd", [False] * len(boxes)), np.bool_)
    return Picture(number, file, *size, array, labels, crowd, array[:, 2] * array[:, 3])


def made_split(folder: Path, *pictures: Picture, names: tuple[str, ...] = ("cat", "dog")) -> Split:
    """Category ids 3, 6, ...: no class index is a category id."""
    categories = tuple(Category(3 * index, name) for index, name in enumerate(names, start=1))
    return Split("made", folder, "val", categories, pictures, (), "f" * 64)

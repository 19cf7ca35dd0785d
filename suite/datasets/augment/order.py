"""Training augmentation in NumPy and OpenCV: the pictures of one sample. Chance is a random stream's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.augment.canvas import Canvas, Sample, fitted, mosaic4, mosaic9
from suite.datasets.augment.colour import adjust_hsv
from suite.datasets.augment.geometry import moved
from suite.datasets.augment.mix import copy_pasted, cut_mixed, erased, mixed
from suite.datasets.augment.random import randomly_changed
from suite.datasets.augment.settings import Augment
from suite.datasets.random import RandomStream

__all__ = ["Augment", "Pool", "Sample", "augmented"]

Size = tuple[int, int]  # height and width in pixels


@dataclass(frozen=True, slots=True)
class Pool:
    """The pictures of a run: `fetch` gives one by its index, its longer side scaled to the training size.

    `partners` are the indices that mosaics and mixes draw from, with the frequencies at which they are to come.
    """

    fetch: Callable[[int], Sample]
    partners: Sequence[int] | NDArray[np.int64]

    def drawn(self, stream: RandomStream) -> int:
        """The index of one partner."""
        return int(self.partners[stream.integer(len(self.partners))])


def augmented(pool: Pool, first: int, size: Size, augment: Augment, stream: RandomStream) -> Sample:
    """The training sample that the picture `first` becomes, alone or with others.

    In this order: mosaic or letterbox, move (rotation, scale, shear, shift), mixup, colours, flips, RandAugment,
    erasing, CutMix. The result is the same for the same arguments, whatever was made before:

        pool = Pool(source.sample, range(count))
        sample = augmented(pool, 3, (640, 640), Augment(mosaic=1.0), RandomStream(seed, step, slot))

    Args:
        pool: where pictures come from.
        first: index of the picture that the sample is about; the others are drawn.
        size: height and width of the sample's image in pixels.
        augment: how pictures are changed.
        stream: the only source of chance.

    Returns:
        An image (height, width, 3) uint8 RGB with its boxes, cut at the image's edges.

    Raises:
        BrokenPictureError: a picture cannot be decoded.
    """
    sample = _changed(pool, first, size, augment, stream)
    if augment.cutmix and stream.flip(augment.cutmix):
        other = _changed(pool, pool.drawn(stream), size, augment, stream)
        sample = cut_mixed(sample, other, stream)
    return sample


def _changed(pool: Pool, first: int, size: Size, augment: Augment, stream: RandomStream) -> Sample:
    sample = _composed(pool, first, size, augment, stream)
    image, boxes = sample.image, sample.boxes
    ranges = (augment.hsv_hue, augment.hsv_saturation, augment.hsv_value)
    if any(ranges):
        hue, saturation, value = (1 + reach * stream.uniform(-1, 1) for reach in ranges)
        image = adjust_hsv(image, (hue, saturation, value))
    if stream.flip(augment.flipud):
        image, boxes = np.asarray(cv2.flip(image, 0), np.uint8), boxes[:, [0, 3, 2, 1]]
        boxes = np.where([False, True, False, True], size[0] - boxes, boxes)
    if stream.flip(augment.fliplr):
        image, boxes = np.asarray(cv2.flip(image, 1), np.uint8), boxes[:, [2, 1, 0, 3]]
        boxes = np.where([True, False, True, False], size[1] - boxes, boxes)
    sample = replace(sample, image=image, boxes=boxes)
    if augment.randaugment:
        sample = randomly_changed(sample, augment, stream)
    if augment.erasing and stream.flip(augment.erasing):
        sample = erased(sample, stream)
    return sample


def _composed(pool: Pool, first: int, size: Size, augment: Augment, stream: RandomStream) -> Sample:
    """One picture or a mosaic, moved, or two mosaics mixed."""
    if not stream.flip(augment.mosaic):
        canvas = fitted(pool.fetch(first), size)
        reaches = (augment.translate, augment.scale, augment.degrees, augment.shear)
        if any(reaches) or augment.perspective:
            return moved(canvas, size, augment, stream)
        return Sample(canvas.window(0, 0, size[1], size[0]), canvas.boxes, canvas.labels)
    sample = moved(_mosaic(pool, first, size, augment, stream), size, augment, stream)
    if augment.mixup and stream.flip(augment.mixup):
        partner = _mosaic(pool, pool.drawn(stream), size, augment, stream)
        sample = mixed(sample, moved(partner, size, augment, stream), stream)
    return sample


def _mosaic(pool: Pool, first: int, size: Size, augment: Augment, stream: RandomStream) -> Canvas:
    count, layout = 4, mosaic4
    if augment.mosaic9 and stream.flip(augment.mosaic9):
        count, layout = 9, mosaic9
    indices = [first, *(pool.drawn(stream) for _ in range(count - 1))]
    samples = [pool.fetch(indices[number]) for number in stream.permutation(count)]
    canvas = layout(samples, max(size), stream)
    return copy_pasted(canvas, augment.copy_paste, stream) if augment.copy_paste else canvas

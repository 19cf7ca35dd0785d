"""Batches for training and validation, the same for every model: a batch depends on the data, the seed and the step."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from suite.datasets.augment import Augment, Pool, Sample, augmented
from suite.datasets.balance import drawn, picture_weights
from suite.datasets.decode import load_image
from suite.datasets.dice import Dice
from suite.datasets.images import Image, Letterbox, letterbox, resize_longest
from suite.datasets.multiscale import other_size
from suite.datasets.rect import by_shape
from suite.datasets.split import DataError, Picture, Split

__all__ = ["Augment", "Batch", "TrainingBatches", "ValBatch", "ValidationBatches"]

_ORDER, _CHANGES, _SIZES = 0, 1, 2  # which chance a Dice is for
_CACHE_BYTES = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Training images (B, 3, H, W) uint8, channels last in memory, and targets (n, 6) float32.

    A target is image, class, centre x, centre y, width, height; the last four are shares of the image. The network is
    to see the images at another `size` (height and width in pixels), if that is stated.
    """

    images: Tensor
    targets: Tensor
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ValBatch:
    """Validation images (B, 3, S, S) uint8, the pictures they come from and how each lies in its image."""

    images: Tensor
    pictures: tuple[Picture, ...]
    letterboxes: tuple[Letterbox, ...]


class TrainingBatches:
    """`steps - start` batches; every picture comes once before any comes again, in an order new each time.

    With `image_weights` an epoch is as many draws by the weight of a picture's classes, so pictures may come twice.
    With `rect` pictures of like shapes make up a batch, whose sides are multiples of `stride`; the order never changes.
    Where `augment` says multi-scale, each batch names a size of multiples of `stride` at which it is to be seen.

    Batch number i is the same whatever came before it, so a run continued at step `start` sees what the
    uninterrupted run saw. Decoded pictures stay in memory up to `cache_bytes`, the others are decoded each time.
    """

    def __init__(
        self,
        split: Split,
        *,
        image_size: int,
        batch: int,
        steps: int,
        seed: int,
        augment: Augment | None = None,
        image_weights: bool = False,
        rect: bool = False,
        stride: int = 32,
        start: int = 0,
        cache_bytes: int = _CACHE_BYTES,
    ) -> None:
        if not split.pictures:
            raise DataError(f"{split.folder}: has no pictures to train on")
        self._source = _Source(split.pictures, image_size, cache_bytes)
        self._count = len(split.pictures)
        self._size, self._stride, self._batch, self._seed = image_size, stride, batch, seed
        self._steps, self._start = steps, start
        self._augment = augment or Augment()
        self._weights = picture_weights(split.pictures, len(split.categories)) if image_weights else None
        self._shaped = by_shape(split.pictures, image_size=image_size, batch=batch, stride=stride) if rect else ()
        self._epoch, self._order = -1, np.arange(self._count)

    def __len__(self) -> int:
        return max(self._steps - self._start, 0)

    def __iter__(self) -> Iterator[Batch]:
        for step in range(self._start, self._steps):
            yield self._make(step)

    def _make(self, step: int) -> Batch:
        dice = Dice(self._seed, _CHANGES, step)
        shown, size = self._shown(step)
        images = np.empty((self._batch, *size, 3), np.uint8)
        targets = []
        for slot, first in enumerate(shown):
            sample = augmented(Pool(self._source.sample, self._order), first, size, self._augment, dice)
            images[slot] = sample.image
            targets.append(_targets(sample, slot))
        return Batch(_as_tensor(images), torch.from_numpy(np.concatenate(targets)), self._seen_at(size, step))

    def _seen_at(self, size: tuple[int, int], step: int) -> tuple[int, int] | None:
        reach = self._augment.multi_scale
        if not reach:
            return None
        return other_size(size, reach, stride=self._stride, dice=Dice(self._seed, _SIZES, step))

    def _shown(self, step: int) -> tuple[tuple[int, ...], tuple[int, int]]:
        """The pictures of a batch, and the height and width of its images."""
        if self._shaped:
            shaped = self._shaped[step % len(self._shaped)]
            return shaped.pictures, shaped.size
        numbers = range(step * self._batch, (step + 1) * self._batch)
        return tuple(self._index(number) for number in numbers), (self._size, self._size)

    def _index(self, number: int) -> int:
        """Which picture is the number-th of the run."""
        epoch, position = divmod(number, self._count)
        if epoch != self._epoch:
            dice = Dice(self._seed, _ORDER, epoch)
            self._order = dice.order(self._count) if self._weights is None else drawn(self._weights, dice)
            self._epoch = epoch
        return int(self._order[position])


class ValidationBatches:
    """Every picture once, in order, letterboxed to a square so that no result depends on the batch it was in."""

    def __init__(self, split: Split, *, image_size: int, batch: int) -> None:
        self._pictures, self._size, self._batch = split.pictures, image_size, batch

    def __len__(self) -> int:
        return math.ceil(len(self._pictures) / self._batch)

    def __iter__(self) -> Iterator[ValBatch]:
        for first in range(0, len(self._pictures), self._batch):
            pictures = self._pictures[first : first + self._batch]
            placed = [place(load_image(picture), self._size) for picture in pictures]
            images = np.stack([image for image, _ in placed])
            yield ValBatch(_as_tensor(images), pictures, tuple(box for _, box in placed))


def place(image: Image, size: int) -> tuple[Image, Letterbox]:
    """The evaluation's view of a picture: its longer side scaled to `size`, padded to a square."""
    scaled, ratio = resize_longest(image, size, training=False)
    padded, box = letterbox(scaled, size)
    return padded, Letterbox((ratio, ratio), box.pad_left, box.pad_top, box.size)


class _Source:
    """Pictures decoded and scaled to the training size, with the boxes that training uses."""

    def __init__(self, pictures: tuple[Picture, ...], size: int, cache_bytes: int) -> None:
        self._pictures, self._size = pictures, size
        self._kept: dict[int, Sample] = {}
        self._room = cache_bytes

    def sample(self, index: int) -> Sample:
        if index in self._kept:
            return self._kept[index]
        sample = self._load(self._pictures[index])
        # Never anything thrown out: with a new order each epoch, any choice of what to keep is as good as another.
        if sample.image.nbytes <= self._room:
            self._room -= sample.image.nbytes
            self._kept[index] = sample
        return sample

    def _load(self, picture: Picture) -> Sample:
        image, _ = resize_longest(load_image(picture), self._size, training=True)
        height, width = image.shape[:2]
        xywh = picture.boxes[~picture.crowd]
        corners = np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), axis=1)
        scale = np.array((width / picture.width, height / picture.height) * 2)
        boxes = np.clip(corners * scale, 0, (width, height, width, height))
        outlines = (o for o, crowd in zip(picture.outlines, picture.crowd, strict=False) if not crowd)
        inside = tuple(np.clip(outline * scale[:2], 0, (width, height)) for outline in outlines)
        return Sample(image, boxes, picture.labels[~picture.crowd], inside)


def _targets(sample: Sample, slot: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    size = np.array(sample.image.shape[1::-1])
    low, high = sample.boxes[:, :2] / size, sample.boxes[:, 2:] / size
    rows = np.empty((len(low), 6), np.float32)
    rows[:, 0], rows[:, 1] = slot, sample.labels
    rows[:, 2:4], rows[:, 4:] = (low + high) / 2, high - low
    return rows


def _as_tensor(images: Image) -> Tensor:
    """(B, S, S, 3) to (B, 3, S, S) without a copy, so channels stay last in memory."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)

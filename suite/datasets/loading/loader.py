"""Batches for training and validation, the same for every model: a batch depends on the data, the seed and the step."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from suite.datasets.augment.order import Augment, Pool, Sample, augmented
from suite.datasets.decode import load_image
from suite.datasets.images import Image, Letterbox, view_for_evaluation
from suite.datasets.loading.balance import drawn, picture_weights
from suite.datasets.loading.multiscale import other_size
from suite.datasets.loading.rect import Shaped, by_shape
from suite.datasets.loading.source import Source
from suite.datasets.loading.workers import ArrayBatch, in_workers
from suite.datasets.random import RandomStream
from suite.datasets.split import DataError, Picture, Split
from suite.protocols.loading import Loading

__all__ = [
    "Augment",
    "Batch",
    "TrainingBatches",
    "ValBatch",
    "ValidationBatches",
    "validation_batch",
]

_ORDER, _CHANGES, _SIZES = 0, 1, 2  # what a random stream is for


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
    uninterrupted run saw. Of every batch of `batch` pictures only `share` is made: (0, 2) the first half of them.
    `loading` decides how fast batches come, and nothing of what is in them.
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
        share: tuple[int, int] = (0, 1),
        loading: Loading | None = None,
    ) -> None:
        if not split.pictures:
            raise DataError(f"{split.folder}: has no pictures to train on")
        loading = loading or Loading()
        augment = augment or Augment()
        self._source = Source(split.pictures, image_size, loading, outlined=augment.copy_paste > 0)
        self._workers = loading.workers or 0
        self._pictures = split.pictures
        self._count = len(split.pictures)
        self._size, self._stride, self._batch, self._seed = image_size, stride, batch, seed
        part, of = share
        if batch % of:
            raise DataError(
                f"a batch of {batch} pictures cannot be shared by {of} processes; give a multiple of {of}"
            )
        self._slots = range(part * batch // of, (part + 1) * batch // of)
        self._steps, self._start = steps, start
        self._augment = augment
        self._weights = None
        if image_weights:
            self._weights = picture_weights(split.pictures, len(split.categories))
        self._shaped: tuple[Shaped, ...] = ()
        if rect:
            self._shaped = by_shape(
                split.pictures, image_size=image_size, batch=batch, stride=stride
            )
        self._epoch, self._order = -1, np.arange(self._count)

    def __len__(self) -> int:
        return max(self._steps - self._start, 0)

    def __iter__(self) -> Iterator[Batch]:
        steps = range(self._start, self._steps)
        workers = min(self._workers, len(steps))
        if workers:
            made = in_workers(self, steps, workers, largest=len(self._slots) * self._size**2 * 3)
        else:
            made = map(self.make, steps)
        for arrays in made:
            yield Batch(_as_tensor(arrays.images), torch.from_numpy(arrays.targets), arrays.size)

    @property
    def broken(self) -> tuple[Picture, ...]:
        """The pictures that others took the place of, as they did not decode any more."""
        return tuple(self._pictures[index] for index in self._source.broken)

    def make(self, step: int) -> ArrayBatch:
        """Batch number `step` as arrays."""
        shown, size = self._shown(step)
        images = np.empty((len(self._slots), *size, 3), np.uint8)
        targets = []
        pool = Pool(self._source.sample, self._order)
        for index, slot in enumerate(self._slots):
            stream = RandomStream(self._seed, _CHANGES, step, slot)
            sample = augmented(pool, shown[slot], size, self._augment, stream)
            images[index] = sample.image
            targets.append(_targets(sample, index))
        return ArrayBatch(images, np.concatenate(targets), self._seen_at(size, step))

    def _seen_at(self, size: tuple[int, int], step: int) -> tuple[int, int] | None:
        reach = self._augment.multi_scale
        if not reach:
            return None
        stream = RandomStream(self._seed, _SIZES, step)
        return other_size(size, reach, stride=self._stride, stream=stream)

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
            stream = RandomStream(self._seed, _ORDER, epoch)
            if self._weights is None:
                self._order = stream.permutation(self._count)
            else:
                self._order = drawn(self._weights, stream)
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
            yield validation_batch(pictures, self._size, (self._size, self._size))


def validation_batch(
    pictures: tuple[Picture, ...], longest: int, size: tuple[int, int]
) -> ValBatch:
    """Pictures with their longer sides scaled to `longest`, each padded to `size` (height, width)."""
    views = [view_for_evaluation(load_image(picture), longest, size) for picture in pictures]
    images = np.stack([image for image, _ in views])
    return ValBatch(_as_tensor(images), pictures, tuple(box for _, box in views))


def _targets(sample: Sample, image: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    size = np.array(sample.image.shape[1::-1])
    low, high = sample.boxes[:, :2] / size, sample.boxes[:, 2:] / size
    rows = np.empty((len(low), 6), np.float32)
    rows[:, 0], rows[:, 1] = image, sample.labels
    rows[:, 2:4], rows[:, 4:] = (low + high) / 2, high - low
    return rows


def _as_tensor(images: Image) -> Tensor:
    """(B, S, S, 3) to (B, 3, S, S) without a copy, so channels stay last in memory."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)

"""The pictures of a training, decoded and scaled to its size, with the boxes that it uses."""

from collections.abc import Sequence

import numpy as np

from suite.datasets.augment.canvas import Floats
from suite.datasets.augment.order import Sample
from suite.datasets.decode import load_image
from suite.datasets.images import resize_longest, scaled_sides
from suite.datasets.loading.cache import open_cache
from suite.datasets.loading.shared import SharedFlags
from suite.datasets.split import BrokenPictureError, MissingDataError, Picture
from suite.protocols.loading import Loading


class Source:
    """Samples by index.

    A picture that does not decode any more is an error, or with `broken_pictures: skip` the next one that does takes
    its place, in every process alike. Samples have outlines if they are to be `outlined`.
    """

    def __init__(
        self, pictures: Sequence[Picture], size: int, loading: Loading, *, outlined: bool = False
    ) -> None:
        self._pictures, self._size, self._outlined = pictures, size, outlined
        # made once, and shared with the workers: a mosaic would make those of four pictures each time
        self._boxes, self._starts = _scaled_boxes(pictures, size)
        self._labels = np.concatenate([picture.labels[~picture.crowd] for picture in pictures])
        self._cache = open_cache(loading.cache, pictures, size)
        self._skips = loading.broken_pictures == "skip"
        self._broken = SharedFlags(len(pictures))

    def sample(self, index: int) -> Sample:
        """The picture as it enters augmentation; its image is not to be written to.

        Raises:
            BrokenPictureError: it cannot be decoded, and that is not to be passed over.
            MissingDataError: none of the pictures can be decoded.
        """
        count = len(self._pictures)
        for at in ((index + further) % count for further in range(count)):
            if self._broken.is_up(at):
                continue
            try:
                return self._sample(at)
            except BrokenPictureError:
                if not self._skips:
                    raise
                self._broken.raise_flag(at)
        raise MissingDataError(
            f"{self._pictures[index].file}: neither it nor any other picture decodes any more"
        )

    @property
    def broken(self) -> tuple[int, ...]:
        """Indices of the pictures that others took the place of, in this process or a worker."""
        return self._broken.all_up()

    def _sample(self, index: int) -> Sample:
        picture = self._pictures[index]
        image = self._cache.get(index)
        if image is None:
            image, _ = resize_longest(load_image(picture), self._size, training=True)
            self._cache.put(index, image)
        boxes = slice(self._starts[index], self._starts[index + 1])
        outlines = self._outlines(picture) if self._outlined else ()
        return Sample(image, self._boxes[boxes], self._labels[boxes], outlines)

    def _outlines(self, picture: Picture) -> tuple[Floats, ...]:
        edge = np.array(scaled_sides(picture.width, picture.height, self._size))
        known = zip(picture.outlines, picture.crowd, strict=False)
        scale = edge / (picture.width, picture.height)
        return tuple(np.clip(outline * scale, 0, edge) for outline, crowd in known if not crowd)


def _scaled_boxes(pictures: Sequence[Picture], size: int) -> tuple[Floats, list[int]]:
    """The boxes of all pictures but for their crowds, corners in scaled pixels, and where each picture's begin."""
    counts = [int((~picture.crowd).sum()) for picture in pictures]
    sides = np.array([(picture.width, picture.height) for picture in pictures], np.float64)
    scaled = np.array(
        [scaled_sides(picture.width, picture.height, size) for picture in pictures], np.float64
    )
    xywh = np.concatenate([picture.boxes[~picture.crowd] for picture in pictures])
    edges = np.repeat(np.tile(scaled, 2), counts, axis=0)
    scale = np.repeat(np.tile(scaled / sides, 2), counts, axis=0)
    corners = np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), axis=1)
    return np.clip(corners * scale, 0, edges), [0, *np.cumsum(counts).tolist()]

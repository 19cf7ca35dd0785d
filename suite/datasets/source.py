"""The pictures of a training, decoded and scaled to its size, with the boxes that it uses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite.datasets.augment import Sample
from suite.datasets.cache import open_cache
from suite.datasets.decode import load_image
from suite.datasets.images import resize_longest
from suite.datasets.split import BrokenPictureError, MissingDataError, Picture
from suite.protocols.loading import Loading


@dataclass(frozen=True, slots=True)
class News:
    """What one process that makes batches has to tell the others: indices of cached and of broken pictures."""

    cached: tuple[int, ...]
    broken: tuple[int, ...]


class Source:
    """Samples by index.

    A picture that does not decode any more is an error, or with `broken_pictures: skip` the next one that does takes
    its place; `broken` has the indices of all such.
    """

    def __init__(self, pictures: Sequence[Picture], size: int, loading: Loading) -> None:
        self._pictures, self._size = pictures, size
        self._cache = open_cache(loading.cache, pictures, size)
        self._skips = loading.broken_pictures == "skip"
        self.broken: set[int] = set()
        self._told: set[int] = set()

    def sample(self, index: int) -> Sample:
        """The picture as it enters augmentation; its image is not to be written to.

        Raises:
            BrokenPictureError: it cannot be decoded, and that is not to be passed over.
            MissingDataError: none of the pictures can be decoded.
        """
        count = len(self._pictures)
        for at in ((index + further) % count for further in range(count)):
            if at in self.broken:
                continue
            try:
                return self._sample(at)
            except BrokenPictureError:
                if not self._skips:
                    raise
                self.broken.add(at)
        raise MissingDataError(f"{self._pictures[index].file}: neither it nor any other picture decodes any more")

    def news(self) -> News:
        """What happened since the last call."""
        broken = tuple(sorted(self.broken - self._told))
        self._told |= self.broken
        return News(self._cache.news(), broken)

    def hear(self, news: News) -> None:
        """What happened in another process."""
        self._cache.hear(news.cached)
        self.broken.update(news.broken)
        self._told.update(news.broken)

    def _sample(self, index: int) -> Sample:
        picture = self._pictures[index]
        image = self._cache.get(index)
        if image is None:
            image, _ = resize_longest(load_image(picture), self._size, training=True)
            self._cache.put(index, image)
        height, width = image.shape[:2]
        xywh = picture.boxes[~picture.crowd]
        corners = np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), axis=1)
        scale = np.array((width / picture.width, height / picture.height) * 2)
        boxes = np.clip(corners * scale, 0, (width, height, width, height))
        outlines = (o for o, crowd in zip(picture.outlines, picture.crowd, strict=False) if not crowd)
        inside = tuple(np.clip(outline * scale[:2], 0, (width, height)) for outline in outlines)
        return Sample(image, boxes, picture.labels[~picture.crowd], inside)

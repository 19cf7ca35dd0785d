"""Which pictures are the same: byte for byte, or to the eye (saved anew, scaled, retouched a little).

To the eye: a 64-bit difference hash (is each of 8 x 8 fields darker than its right neighbour?) differs in seven bits at
most, and 16 x 16 grey thumbnails by little. One of the hash's eight bytes is equal then, so that only pictures with a
byte in common are compared. Pictures are told, not pairs: a film of n frames has n (n - 1) / 2 of those.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.images import Image

_BITS = 7  # that may differ
_GREY = 6.0  # of 255: mean difference of the thumbnails
_BYTES = 8  # of a hash
_FIRST_BLOCK = 64  # pictures that are compared at once; each further block is four times as large
_FLAT = 4.0  # of 255: standard deviation below which a thumbnail tells nothing

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class ImageHash:
    """What is kept of a picture: the SHA-256 of its file, its difference hash, a grey thumbnail of 16 x 16."""

    content: str
    hash: int
    grey: NDArray[np.float32]


def hash_image(data: bytes, image: Image) -> ImageHash:
    """What is kept of a file's bytes and of its picture (H, W, 3) uint8."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    fields = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.packbits(fields[:, 1:] > fields[:, :-1])
    small = cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
    return ImageHash(hashlib.sha256(data).hexdigest(), int.from_bytes(bits.tobytes(), "big"), small)


def same_files(hashes: Sequence[ImageHash]) -> list[tuple[int, ...]]:
    """Groups of two or more indices into `hashes` whose files are equal."""
    groups = defaultdict(list)
    for index, image in enumerate(hashes):
        groups[image.content].append(index)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def look_alikes(
    images: Sequence[ImageHash],
    others: Sequence[ImageHash] | None = None,
    report: Report | None = None,
) -> dict[int, int]:
    """For each picture that looks like one of `others`, though the files differ, the index of one that it looks like.

    Without `others` it is one of the pictures before it in `images` itself. Of equal files the first stands for all:
    those of `images` that are in `others` too are no look-alikes. Time grows with the number of pictures as long as
    most have no look-alike or find one soon, as the frames of a film do: the nearest in order is looked at first.

    Args:
        images: the pictures asked about.
        others: where look-alikes are looked for.
        report: told how many of the parts of this are behind, of how many.
    """
    pool = [*(others or ()), *images]
    border = len(pool) - len(images)
    firsts: dict[str, int] = {}
    for index, image in enumerate(pool):
        firsts.setdefault(image.content, index)
    search = _Search([pool[index] for index in firsts.values()], list(firsts.values()), border)
    found = search.run(report)
    if others is None:
        return found
    partners = {index: found.get(firsts[image.content]) for index, image in enumerate(images)}
    return {index: partner for index, partner in partners.items() if partner is not None}


class _Search:
    """Pictures of different files, where each stands, and from which place on they are asked about."""

    def __init__(self, images: Sequence[ImageHash], places: Sequence[int], border: int) -> None:
        self._places = np.array(places, np.int64)
        self._asked = int(np.searchsorted(self._places, border))
        self._hashes = np.array([image.hash for image in images], np.uint64)
        self._grey = np.array([image.grey.ravel() for image in images], np.float32)
        self._mean = self._grey.mean(axis=1) if len(images) else np.zeros(0, np.float32)
        self._found: dict[int, int] = {}

    def run(self, report: Report | None) -> dict[int, int]:
        """By the places of those asked about that of a look-alike."""
        telling = self._grey.std(axis=1) >= _FLAT if len(self._grey) else np.zeros(0, bool)
        for byte in range(_BYTES):
            keys = (self._hashes >> np.uint64(8 * byte)) & np.uint64(255)
            for key in np.unique(keys[telling]):
                self._within(np.flatnonzero(telling & (keys == key)), byte)
            if report is not None:
                report(byte + 1, _BYTES)
        places = self._places.tolist()
        return {places[one]: places[other] for one, other in sorted(self._found.items())}

    def _within(self, group: NDArray[np.int64], byte: int) -> None:
        """Look through pictures that have this byte in common."""
        first = int(np.searchsorted(group, self._asked))
        for row in range(max(first, 1), len(group)):
            index = int(group[row])
            if index not in self._found:
                other = self._nearest(index, group[: first or row], byte)
                if other is not None:
                    self._found[index] = other

    def _nearest(self, index: int, earlier: NDArray[np.int64], byte: int) -> int | None:
        end, size = len(earlier), _FIRST_BLOCK
        while end > 0:
            block = earlier[max(end - size, 0) : end]
            like = block[self._alike(index, block, byte)]
            if len(like):
                return int(like[-1])
            end, size = end - size, 4 * size
        return None

    def _alike(self, index: int, block: NDArray[np.int64], byte: int) -> NDArray[np.int64]:
        """The places in `block` of those that look like `index`, but for what an earlier byte has brought together."""
        differing = self._hashes[block] ^ self._hashes[index]
        close = np.bitwise_count(differing) <= _BITS
        # the mean of differences is at least the difference of means, which costs next to nothing
        close &= np.abs(self._mean[block] - self._mean[index]) <= _GREY
        for lower in range(byte):
            close &= ((differing >> np.uint64(8 * lower)) & np.uint64(255)) != 0
        near = np.flatnonzero(close)
        apart = np.abs(self._grey[block[near]] - self._grey[index]).mean(axis=1)
        return np.asarray(near[apart <= _GREY], np.int64)

"""Which pictures are the same: byte for byte, or to the eye (saved anew, scaled, retouched a little).

To the eye: a 64-bit difference hash (is each of 8 x 8 fields darker than its right neighbour?) differs in seven bits at
most, and 16 x 16 grey thumbnails by little. One of the hash's eight bytes is equal then, so that only pictures with a
byte in common are compared.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from suite.datasets.images import Image

_BITS = 7  # that may differ
_GREY = 6.0  # of 255: mean difference of the thumbnails
_FLAT = 4.0  # of 255: standard deviation below which a thumbnail tells nothing


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


def near_duplicates(images: Sequence[ImageHash]) -> list[tuple[int, int]]:
    """Pairs of indices into `images` whose pictures look the same, though their files differ."""
    hashes = np.array([image.hash for image in images], np.uint64)
    telling = np.array([image.grey.std() >= _FLAT for image in images], bool)
    pairs: set[tuple[int, int]] = set()
    for byte in range(0, 64, 8):
        keys = (hashes >> np.uint64(byte)) & np.uint64(255)
        for key in np.unique(keys[telling]):
            pairs.update(_near(np.nonzero(telling & (keys == key))[0], hashes))
    return sorted((a, b) for a, b in pairs if _look_the_same(images[a], images[b]))


def _near(indices: NDArray[np.int64], hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Pairs of these indices whose hashes differ in few bits."""
    for row, index in enumerate(indices[:-1]):
        later = indices[row + 1 :]
        close = np.bitwise_count(hashes[later] ^ hashes[index]) <= _BITS
        for other in later[close]:
            yield int(index), int(other)


def _look_the_same(one: ImageHash, other: ImageHash) -> bool:
    return one.content != other.content and float(np.abs(one.grey - other.grey).mean()) <= _GREY

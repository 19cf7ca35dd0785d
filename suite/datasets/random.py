"""Random streams, the same on every machine and with every NumPy: raw PCG64 words and integer arithmetic."""

import numpy as np
from numpy.typing import NDArray

_POOL = 256  # words drawn at once; a call for single numbers then costs one index


class RandomStream:
    """A random stream named by a few non-negative integers, such as (seed, step).

    Only the generator's raw 64-bit words are used, which NumPy promises never to change; its distributions
    may change between releases.
    """

    def __init__(self, *name: int) -> None:
        self._bits = np.random.PCG64(list(name))
        self._pool: list[int] = []

    def integer(self, count: int) -> int:
        """A whole number from 0 up to, not including, `count` (at most 2**32)."""
        return ((self._next() >> 32) * count) >> 32

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.integer(high - low + 1)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        return low + (high - low) * ((self._next() >> 11) * 2.0**-53)

    def flip(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def beta(self, weight: int) -> float:
        """A number of Beta(weight, weight): the middle one of 2 x weight - 1 even ones."""
        return sorted(self.uniform() for _ in range(2 * weight - 1))[weight - 1]

    def normal(self) -> float:
        """A number of mean 0 and variance 1, close to normal and never beyond 6: twelve even ones added up."""
        return sum(self.uniform() for _ in range(12)) - 6

    def words(self, count: int) -> NDArray[np.uint64]:
        """`count` raw 64-bit words."""
        return self._bits.random_raw(count)

    def bytes(self, count: int) -> NDArray[np.uint8]:
        """`count` numbers from 0 to 255."""
        words = self.words(-(-count // 8)).astype(
            "<u8", copy=False
        )  # the same order on any processor
        return words.view(np.uint8)[:count]

    def permutation(self, count: int) -> NDArray[np.int64]:
        """The numbers 0 to count - 1 in random order."""
        return np.argsort(self.words(count), kind="stable")

    def _next(self) -> int:
        if not self._pool:
            self._pool = self.words(_POOL).tolist()
        return self._pool.pop()

"""Random streams that are the same on every machine and with every NumPy: raw PCG64 output, integer arithmetic."""

import numpy as np
from numpy.typing import NDArray

_POOL = 256  # numbers of 64 bits drawn at once; a call for single ones then costs one index
_EXACT = 2.0**-53  # numbers of 53 bits times this are shares in [0, 1) without rounding


class RandomStream:
    """A random stream, named by a few non-negative integers such as (seed, purpose, step).

    Equal names give equal streams, different names independent ones:

        RandomStream(0, 7).integer(6) == RandomStream(0, 7).integer(6)

    Only the raw 64-bit output of NumPy's generator is used, which NumPy promises never to change; what it makes of it
    (`Generator.normal` and the like) may change between releases.
    """

    def __init__(self, *name: int) -> None:
        self._bits = np.random.PCG64(list(name))
        self._pool: list[int] = []

    def integer(self, count: int) -> int:
        """One of the integers 0, 1, ..., `count` - 1, all equally likely; `count` is at most 2**32."""
        return ((self._next() >> 32) * count) >> 32

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + self.integer(high - low + 1)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number of the uniform distribution over [low, high)."""
        return low + (high - low) * ((self._next() >> 11) * _EXACT)

    def flip(self, probability: float) -> bool:
        """True with this probability (0 to 1): a biased coin."""
        return self.uniform() < probability

    def beta(self, weight: int) -> float:
        """A number of the distribution Beta(weight, weight): the median of 2 x weight - 1 uniform ones."""
        return sorted(self.uniform() for _ in range(2 * weight - 1))[weight - 1]

    def normal(self) -> float:
        """A number of mean 0 and variance 1, close to normal: twelve uniform ones added up, so never beyond 6."""
        return sum(self.uniform() for _ in range(12)) - 6

    def words(self, count: int) -> NDArray[np.uint64]:
        """(count,) raw words of 64 random bits."""
        return self._bits.random_raw(count)

    def bytes(self, count: int) -> NDArray[np.uint8]:
        """(count,) random bytes."""
        # little-endian, so that the order is the same on any processor
        raw = self.words(-(-count // 8)).astype("<u8", copy=False)
        return raw.view(np.uint8)[:count]

    def permutation(self, count: int) -> NDArray[np.int64]:
        """(count,) the integers 0, 1, ..., `count` - 1 in random order."""
        return np.argsort(self.words(count), kind="stable")

    def _next(self) -> int:
        if not self._pool:
            self._pool = self.words(_POOL).tolist()
        return self._pool.pop()

"""A user's own Python file with blocks, as part of a variant."""

import hashlib
from dataclasses import dataclass, field

from suite.yaml.mark import Mark


@dataclass(frozen=True, slots=True)
class BlockFile:
    """`my_blocks.py` has `my_blocks.MyBlock`. `trusted`: its code may run; the source is the one that was read."""

    path: str  # absolute
    source: str = field(repr=False)
    trusted: bool = field(default=False, compare=False)
    mark: Mark | None = field(default=None, compare=False)

    @property
    def stem(self) -> str:
        """The first half of its blocks' addresses."""
        return self.path.rpartition("/")[2].removesuffix(".py")

    @property
    def digest(self) -> str:
        """SHA-256 of the source, in hexadecimal."""
        return hashlib.sha256(self.source.encode()).hexdigest()

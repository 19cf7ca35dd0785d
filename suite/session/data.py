"""The built-in data set, where no other is named."""

from pathlib import Path

from suite.datasets.builtin.shapes import ensure
from suite.protocols import BuiltIn
from suite.session.variants import OUT

# of training and evaluating without a protocol
_DEFAULT = BuiltIn(train=1000, val=200, size=128, seed=0)


def built_in_data(made: BuiltIn, out: Path = OUT) -> Path:
    """The folder of a built-in data set, which is written where it is missing."""
    name = f"shapes-{made.size}px-{made.train}-{made.val}-seed{made.seed}"
    return ensure(
        out / "data" / name, seed=made.seed, train=made.train, val=made.val, size=made.size
    )


def data_or_built_in(folder: Path | None) -> Path:
    """The folder, or that of the default built-in data set, which is written where it is missing."""
    return folder or built_in_data(_DEFAULT)

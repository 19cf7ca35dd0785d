"""Sets whose pictures are all in one part: the lists that `data split` writes say which are to train on."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from suite.datasets.formats.folder import inside, lines
from suite.datasets.random import RandomStream
from suite.datasets.split import DataError

PARTS: Final = ("train", "val")


def list_file(folder: Path, split: str) -> Path:
    """Names the pictures of a part, one a line, seen from the set's folder."""
    return folder / f"split_{split}.txt"


def has_lists(folder: Path) -> bool:
    """Whether a set was split."""
    return all(list_file(folder, split).is_file() for split in PARTS)


def listed(folder: Path, split: str) -> Iterator[Path]:
    """The pictures of a part, in the order of its list.

    Raises:
        DataError: the list cannot be read, or a line leaves the folder.
    """
    file = list_file(folder, split)
    for number, line in lines(file):
        yield inside(folder, line, f"{file}:{number}")


def divided(pictures: Sequence[str], share: float, seed: int) -> dict[str, list[str]]:
    """The pictures of both parts, each in the order given: chance decides which go where, the same for one seed.

    Args:
        pictures: all of them.
        share: of those to validate on; each part has one at least.
        seed: of chance.

    Raises:
        DataError: there are fewer than two pictures.
    """
    if len(pictures) < 2:
        raise DataError(f"there is {len(pictures)} picture; two parts need two at least")
    chance = RandomStream(seed)
    order = list(range(len(pictures)))
    for last in range(len(order) - 1, 0, -1):
        other = chance.integer(last + 1)
        order[last], order[other] = order[other], order[last]
    count = min(max(round(share * len(order)), 1), len(order) - 1)
    chosen = set(order[:count])
    return {
        "train": [name for place, name in enumerate(pictures) if place not in chosen],
        "val": [name for place, name in enumerate(pictures) if place in chosen],
    }


def write_lists(folder: Path, parts: Mapping[str, Sequence[str]]) -> None:
    """Write both lists.

    Raises:
        OSError: the folder or the disk does not take them.
    """
    for split in PARTS:
        list_file(folder, split).write_text("".join(f"{name}\n" for name in parts[split]), "utf-8")

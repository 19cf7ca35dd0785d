"""How training pictures come to the network: by how many processes, kept where, and what a broken one means."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from suite.record import Json
from suite.yaml.rules import setting

Broken = Literal["fail", "skip"]
MOST_WORKERS = 64

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([KMGT]?)")
CACHE_HINT = "it is 'ram:4G', 'disk:DIR', 'disk:DIR:100G' or 'none'"


@dataclass(frozen=True, slots=True)
class Cache:
    """Where decoded pictures are kept: in memory (no `folder`) or in a folder, up to so many bytes (None: no limit)."""

    limit: int | None
    folder: Path | None = None

    def __str__(self) -> str:
        if self.folder is None:
            return f"ram:{self.limit}" if self.limit else "none"
        return f"disk:{self.folder}" + ("" if self.limit is None else f":{self.limit}")


NO_CACHE = Cache(0)


@dataclass(frozen=True, slots=True)
class Loading:
    """None of it changes a batch; only `broken_pictures: skip` does, once a picture breaks.

    Evaluation always fails on a broken picture: AP of other pictures is not comparable.
    """

    workers: int | None = setting(
        0,
        "processes that make batches ahead of the training, 0 for none; `auto`: what the machine "
        "has room for",
        word="auto", low=0, high=MOST_WORKERS,
    )  # fmt: skip
    cache: Cache = setting(
        Cache(2**30),
        "where decoded pictures are kept: `ram:4G`, `disk:DIR`, `disk:DIR:100G` or `none`; "
        "`ram:1G` where it is left out",
        form="cache",
    )
    broken_pictures: Broken = setting(
        "fail",
        "what becomes of a training whose picture does not decode any more: it fails, or another "
        "picture takes the place and is counted",
    )

    @property
    def as_json(self) -> dict[str, Json]:
        """The loading as runs keep it."""
        workers = "auto" if self.workers is None else self.workers
        return {
            "workers": workers,
            "cache": str(self.cache),
            "broken_pictures": self.broken_pictures,
        }

    def chosen(self, workers: str | None, cache: Cache | None) -> "Loading":
        """With what a command line says of it: "auto" or a number of workers, a cache; None leaves the protocol's."""
        loading = self
        if workers is not None:
            loading = replace(loading, workers=None if workers == "auto" else int(workers))
        return loading if cache is None else replace(loading, cache=cache)

    def settled(self, *, cores: int, accelerated: bool) -> "Loading":
        """With a number of workers, for a training that has so many cores to itself.

        A processor trains slower than one worker loads; an accelerator that waits costs more than cores do.
        """
        if self.workers is not None:
            return self
        fitting = min(8, max(cores - 1, 1)) if accelerated else min(1, cores - 1)
        return replace(self, workers=max(fitting, 0))


AUTOMATIC = Loading(workers=None)


def parse_cache(text: str) -> Cache:
    """The cache that a word means.

    Raises:
        ValueError: it means none; the message says what would be right.
    """
    kind, _, rest = text.partition(":")
    if text == "none":
        return NO_CACHE
    if kind == "ram" and (limit := _bytes(rest)) is not None:
        return Cache(limit)
    if kind == "disk" and rest:
        folder, _, size = rest.rpartition(":")
        limit = _bytes(size) if folder else None
        return Cache(limit, Path(folder if limit is not None else rest))
    raise ValueError(f"{text!r} is no cache; {CACHE_HINT}")


def _bytes(text: str) -> int | None:
    match = _SIZE.fullmatch(text.upper().removesuffix("B"))
    return int(float(match[1]) * _UNITS[match[2]]) if match else None

"""What a run is asked to do."""

from dataclasses import dataclass
from pathlib import Path

from suite.protocols.loading import Cache


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What is to be done, on what, and where it is kept.

    No `names`: what the protocol names, and every variant of the folders `variants`. `protocol` is a name or a file;
    no `data`: the protocol's own. `weights` is what all trainings start from, `force` measures again what is stored,
    and `wait` waits for another run on the same store. `settings` are KEY=VALUE each, which take the place of what the
    protocol states. `workers` and `cache` change how pictures are loaded, and no result. `voc_first_pixel` is as in
    `Reading`.
    """

    names: tuple[str, ...]
    protocol: str
    data: Path | None
    variants: tuple[Path, ...]
    out: Path
    seeds: tuple[int, ...] = ()
    force: bool = False
    wait: bool = False
    weights: Path | None = None
    allow_code: bool = False
    workers: str | None = None
    cache: Cache | None = None
    voc_first_pixel: int | None = None
    settings: tuple[str, ...] = ()

    @property
    def store(self) -> Path:
        """The file that everything is kept in."""
        return self.out / "store.sqlite"

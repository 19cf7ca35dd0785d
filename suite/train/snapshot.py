"""Checkpoints of a training that is not over: everything that decides how it goes on, so that it goes on identically.

The tensors are one safetensors file, everything else is JSON, which names that file and its SHA-256. The JSON is
replaced last and at once, so a reader finds the old checkpoint or the new one, whenever the writer died.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from suite.files import replacing
from suite.record import Json, canonical_json, file_digest
from suite.train.state import EngineState, LoopState

FORM = 1  # of the two files; another one is refused


class CheckpointError(ValueError):
    """A checkpoint cannot be read, is another training's, or cannot be written."""


class UnwrittenCheckpointError(CheckpointError):
    """The disk does not take a checkpoint: it is full, or cannot be written to."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A training after `step` batches."""

    step: int
    engine: EngineState
    loop: LoopState


@dataclass(frozen=True, slots=True)
class Every:
    """How often a checkpoint is written: after so many seconds, or after so many steps where they are stated."""

    seconds: float = 600.0
    steps: int = 0


@dataclass(frozen=True, slots=True)
class _About:
    """The JSON file."""

    step: int
    identity: Mapping[str, Json]
    facts: Mapping[str, Json]
    tensors: str  # name of the other file
    sha256: str
    form: int = FORM


class Keeper:
    """Writes and reads the checkpoint of one training.

    Args:
        path: the JSON file; the tensors' file lies beside it.
        identity: what has to be the same for the training to be continued: recipe, data, seed and so on.
        every: how often one is due.
        save: writes tensors into a file, as safetensors' `save_file` does.
        clock: seconds.
    """

    def __init__(
        self,
        path: Path,
        identity: Mapping[str, Json],
        *,
        every: Every | None = None,
        save: Callable[[dict[str, Tensor], Path], None] = save_file,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.kept_step: int | None = None  # of the checkpoint that lies there
        self._identity = dict(identity)
        self._every = every or Every()
        self._save = save
        self._clock = clock
        self._written = clock()

    def load(self) -> Snapshot | None:
        """The checkpoint that lies there, None if there is none.

        Raises:
            CheckpointError: it is damaged, or another training's.
        """
        if not self.path.exists():
            return None
        about = self._read()
        differing = differences(self._identity, about.identity)
        if differing:
            raise CheckpointError(
                f"{self.path}: is the checkpoint of another training ({'; '.join(differing)}); "
                "continue with what it was begun with, or delete it to begin anew"
            )
        file = self.path.with_name(about.tensors)
        if not file.is_file() or file_digest(file) != about.sha256:
            raise CheckpointError(f"{file}: damaged or not there; delete {self.path} to begin anew")
        snapshot = self._decode(about, file)
        self.kept_step = about.step
        return snapshot

    def due(self, step: int) -> bool:
        """Whether a checkpoint is to be written after `step` batches."""
        if self._every.steps:
            return step % self._every.steps == 0
        return self._clock() - self._written >= self._every.seconds

    def keep(self, snapshot: Snapshot) -> None:
        """Write a checkpoint in the place of the one before.

        Raises:
            UnwrittenCheckpointError: it cannot be written; the one before is still there.
        """
        file = self.path.with_name(f"{self.path.stem}-{snapshot.step}.safetensors")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(file, snapshot)
        except (OSError, SafetensorError) as error:
            if snapshot.step != self.kept_step:
                file.unlink(missing_ok=True)
            raise UnwrittenCheckpointError(self._failure(snapshot, error)) from error
        self._remove_others(file)
        self.kept_step = snapshot.step
        self._written = self._clock()

    def discard(self) -> None:
        """Delete the checkpoint: the training is over, and what came of it is kept elsewhere."""
        self.path.unlink(missing_ok=True)
        self._remove_others(None)
        self.kept_step = None

    def _read(self) -> _About:
        try:
            about = json.loads(self.path.read_text())
            form = about["form"]
            if form == FORM:
                return _About(**about)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise CheckpointError(
                f"{self.path}: no checkpoint of a training; delete it to begin anew"
            ) from error
        message = f"is of form {form}, this version reads form {FORM}"
        raise CheckpointError(f"{self.path}: {message}; delete it to begin anew")

    def _decode(self, about: _About, file: Path) -> Snapshot:
        try:
            engine = EngineState.from_parts(load_file(file), about.facts)
            return Snapshot(about.step, engine, LoopState.from_json(about.facts))
        except (LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{self.path}: no checkpoint of a training ({error}); delete it to begin anew"
            ) from error

    def _write(self, file: Path, snapshot: Snapshot) -> None:
        named = snapshot.engine.tensors.items()
        with replacing(file) as part:
            self._save({name: tensor.detach().cpu().contiguous() for name, tensor in named}, part)
            content = file_digest(part)
        facts = snapshot.engine.as_json | snapshot.loop.as_json
        about = _About(snapshot.step, self._identity, facts, file.name, content)
        with replacing(self.path) as part:
            part.write_text(canonical_json(asdict(about)))

    def _remove_others(self, file: Path | None) -> None:
        folder, stem = self.path.parent, self.path.stem
        # what a process that was killed while it wrote has left; each has names of its own
        unfinished = [*folder.glob(f".{stem}-*.part"), *folder.glob(f".{self.path.name}.*.part")]
        for other in (*folder.glob(f"{stem}-*.safetensors"), *unfinished):
            if other != file:
                with suppress(OSError):
                    other.unlink()

    def _failure(self, snapshot: Snapshot, error: Exception) -> str:
        tensors = snapshot.engine.tensors.values()
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        before = "there is none before it"
        if self.kept_step is not None:
            before = f"that of step {self.kept_step} is kept"
        reason = (error.strerror if isinstance(error, OSError) else "") or error
        return (
            f"{self.path}: the checkpoint of step {snapshot.step} ({size / 1e6:.1f} MB) "
            f"cannot be written ({reason}); {before}, and the same command goes on from there"
        )


def differences(mine: Mapping[str, Json], its: Mapping[str, Json], above: str = "") -> list[str]:
    """What differs from the training that has left `its`, by path: "recipe.optimizer.rate 0.01, now 0.02"."""
    found = []
    for key in sorted(mine.keys() | its.keys()):
        here, there = mine.get(key), its.get(key)
        if isinstance(here, dict) and isinstance(there, dict):
            found += differences(here, there, f"{above}{key}.")
        elif here != there:
            found.append(f"{above}{key} {_short(there)}, now {_short(here)}")
    return found


def _short(value: Json) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."

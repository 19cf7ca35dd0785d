"""What became of every tensor when a network was started from weights."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from suite.record import Json

SHOWN = 3  # examples of a reason


@dataclass(frozen=True, slots=True)
class Fate:
    """One tensor of the network. `reason` says why it was left as it started; "" where it was loaded."""

    name: str
    role: str  # of its layer
    stage: str  # part and stride in pixels, such as "backbone 8"
    parameters: int  # 0 where it is a statistic, which is not trained
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One tensor of the file that nothing in the network has taken, and why; `name` is the file's."""

    name: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The sums over one stage."""

    name: str
    tensors: int
    loaded: int
    parameters: int
    loaded_parameters: int


@dataclass(frozen=True, slots=True)
class Start:
    """A network's start from weights. `form` is "checkpoint", "YOLOv5" or "timm"; `network` what the file holds."""

    file: str
    sha256: str
    form: str
    network: str
    tensors: tuple[Fate, ...]
    skipped: tuple[Skipped, ...]

    @property
    def share(self) -> float:
        """The part of the network's parameters that was loaded, 0 to 1."""
        loaded = sum(fate.parameters for fate in self.tensors if not fate.reason)
        return loaded / max(sum(fate.parameters for fate in self.tensors), 1)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The sums by stage, in the order in which the network runs."""
        found = []
        for name in dict.fromkeys(fate.stage for fate in self.tensors):
            here = [fate for fate in self.tensors if fate.stage == name]
            loaded = [fate for fate in here if not fate.reason]
            sums = (sum(fate.parameters for fate in fates) for fates in (here, loaded))
            found.append(Stage(name, len(here), len(loaded), *sums))
        return tuple(found)

    @property
    def as_json(self) -> dict[str, Json]:
        """The record that is kept beside a training: sums by stage, and the reasons with their numbers."""
        return {
            "form": self.form,
            "file": self.file,
            "sha256": self.sha256,
            "network": self.network,
            "share": self.share,
            "tensors": len(self.tensors),
            "loaded": sum(not fate.reason for fate in self.tensors),
            "stages": [
                [s.name, s.tensors, s.loaded, s.parameters, s.loaded_parameters]
                for s in self.stages
            ],
            "left": _reasons((fate.role, fate.reason) for fate in self.tensors if fate.reason),
            "skipped": _reasons((skipped.role, skipped.reason) for skipped in self.skipped),
        }


def _reasons(tensors: Iterable[tuple[str, str]]) -> list[Json]:
    """[role, reason, number of tensors], in the order of the network."""
    return [[role, reason, number] for (role, reason), number in Counter(tensors).items()]

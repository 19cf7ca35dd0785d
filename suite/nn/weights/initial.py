"""What became of every tensor when a network was started from weights."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from suite.record import Json


@dataclass(frozen=True, slots=True)
class TensorReport:
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
class InitialWeights:
    """What a network started from. `form` is "checkpoint", "YOLOv5" or "timm"; `network` what the file holds."""

    file: str
    sha256: str
    form: str
    network: str
    tensors: tuple[TensorReport, ...]
    skipped: tuple[Skipped, ...]

    @property
    def share(self) -> float:
        """The part of the network's parameters that was loaded, 0 to 1."""
        loaded = sum(tensor.parameters for tensor in self.tensors if not tensor.reason)
        return loaded / max(sum(tensor.parameters for tensor in self.tensors), 1)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The sums by stage, in the order in which the network runs."""
        by_stage: dict[str, list[TensorReport]] = {}
        for tensor in self.tensors:
            by_stage.setdefault(tensor.stage, []).append(tensor)
        return tuple(_summed(name, tensors) for name, tensors in by_stage.items())

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
            "loaded": sum(not tensor.reason for tensor in self.tensors),
            "stages": [
                [s.name, s.tensors, s.loaded, s.parameters, s.loaded_parameters]
                for s in self.stages
            ],
            "left": _reasons(
                (tensor.role, tensor.reason) for tensor in self.tensors if tensor.reason
            ),
            "skipped": _reasons((skipped.role, skipped.reason) for skipped in self.skipped),
        }


def _summed(name: str, tensors: Sequence[TensorReport]) -> Stage:
    loaded = [tensor for tensor in tensors if not tensor.reason]
    parameters, loaded_parameters = (
        sum(tensor.parameters for tensor in group) for group in (tensors, loaded)
    )
    return Stage(name, len(tensors), len(loaded), parameters, loaded_parameters)


def _reasons(tensors: Iterable[tuple[str, str]]) -> list[Json]:
    """[role, reason, number of tensors], in the order of the network."""
    return [[role, reason, number] for (role, reason), number in Counter(tensors).items()]

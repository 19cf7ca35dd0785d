"""Everything that decides how a training goes on, as typed records, and the two files' content that they become.

A checkpoint is tensors by name and facts in JSON (`suite.train.snapshot` writes both); only this module knows names
and keys. They are those of form 1, whose files must stay readable.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from suite.record import Json
from suite.train.curve import CurvePoint, Score, read_curve, write_curve

End = Literal["", "budget", "time", "patience"]  # what ended a training; "" while it goes on
_ENDS: dict[Json, End] = {"": "", "budget": "budget", "time": "time", "patience": "patience"}


@dataclass(frozen=True, slots=True, eq=False)
class EngineState:
    """What the engine's next step depends on.

    Tensors are those of the engine itself, not copies: write them before the next step.

    Attributes:
        layout: hash of what stands where in the flat tensors; another network has another one.
        values: (n,) trainable parameters and floating buffers, one behind another (`suite.train.flat`).
        average: (n,) their moving average.
        sums: (3,) box, objectness and class loss since the curve's last point.
        summed: batches in `sums`.
        updates: how often the average was moved.
        waiting: batches whose gradients the optimiser has not used yet.
        gradient: (m,) the sum of those gradients, None where `waiting` is 0.
        best: (n,) the average with the best score, None where none is looked for.
        rest: the model's tensors that are not in `values`, by name: frozen parameters, counters.
        loss: what the loss remembers from batch to batch, by name.
        optimizer: moments of each parameter group, by name.
        scaler: state of fp16's gradient scaler, empty without one.
        rng_cpu: state of torch's generator on the processor, bytes.
        rng_cuda: the same of the GPU, None on the processor.
    """

    layout: str
    values: Tensor
    average: Tensor
    sums: Tensor
    summed: int
    updates: int
    waiting: int
    rng_cpu: Tensor
    gradient: Tensor | None = None
    best: Tensor | None = None
    rng_cuda: Tensor | None = None
    rest: Mapping[str, Tensor] = field(default_factory=dict)
    loss: Mapping[str, Tensor] = field(default_factory=dict)
    optimizer: Mapping[int, Mapping[str, Tensor]] = field(default_factory=dict)
    scaler: Mapping[str, Json] = field(default_factory=dict)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors under the names of the checkpoint's file."""
        named = {
            "values": self.values,
            "average": self.average,
            "sums": self.sums,
            "rng.cpu": self.rng_cpu,
        }
        optional = {"gradient": self.gradient, "best": self.best, "rng.cuda": self.rng_cuda}
        named |= {name: tensor for name, tensor in optional.items() if tensor is not None}
        named |= {f"rest.{name}": tensor for name, tensor in self.rest.items()}
        named |= {f"loss.{name}": tensor for name, tensor in self.loss.items()}
        for index, moments in self.optimizer.items():
            named |= {f"optimizer.{index}.{name}": tensor for name, tensor in moments.items()}
        return named

    @property
    def as_json(self) -> dict[str, Json]:
        """Everything that is no tensor."""
        return {
            "layout": self.layout,
            "updates": self.updates,
            "summed": self.summed,
            "waiting": self.waiting,
            "scaler": dict(self.scaler),
        }

    @classmethod
    def from_parts(cls, tensors: Mapping[str, Tensor], facts: Mapping[str, Json]) -> "EngineState":
        """What `tensors` and `as_json` gave.

        Raises:
            LookupError, TypeError, ValueError: something is not there, or is of another kind.
        """
        return cls(
            layout=_text(facts, "layout"),
            values=tensors["values"],
            average=tensors["average"],
            sums=tensors["sums"],
            summed=_whole(facts, "summed"),
            updates=_whole(facts, "updates"),
            waiting=_whole(facts, "waiting"),
            gradient=tensors.get("gradient"),
            best=tensors.get("best"),
            rest=_below("rest.", tensors),
            loss=_below("loss.", tensors),
            optimizer=_moments(_below("optimizer.", tensors)),
            scaler=_table(facts, "scaler"),
            rng_cpu=tensors["rng.cpu"],
            rng_cuda=tensors.get("rng.cuda"),
        )


@dataclass(frozen=True, slots=True)
class LoopState:
    """What the loop keeps beside the engine.

    Attributes:
        batch: images a step of all processes.
        image_size: side in pixels.
        seconds: wall time of the loop until then, without evaluations and checkpoints.
        checksum: CRC-32 of all batches until then.
        end: what ended the training, "" while it goes on.
        curve: points of the curve until then.
        scores: evaluations until then.
    """

    batch: int
    image_size: int
    seconds: float = 0.0
    checksum: int = 0
    end: End = ""
    curve: tuple[CurvePoint, ...] = ()
    scores: tuple[Score, ...] = ()

    @property
    def as_json(self) -> dict[str, Json]:
        """All of it."""
        return {
            "batch": self.batch,
            "image_size": self.image_size,
            "seconds": self.seconds,
            "pictures": self.checksum,
            "end": self.end,
            **write_curve(self.curve, self.scores),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Json]) -> "LoopState":
        """What `as_json` gave.

        Raises:
            LookupError, TypeError, ValueError: something is not there, or is of another kind.
        """
        curve, scores = read_curve(facts)
        return cls(
            batch=_whole(facts, "batch"),
            image_size=_whole(facts, "image_size"),
            seconds=_number(facts, "seconds"),
            checksum=_whole(facts, "pictures"),
            end=_ENDS[facts["end"]],
            curve=tuple(curve),
            scores=tuple(scores),
        )


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose name begins with `prefix`, without it."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _moments(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """From "0.exp_avg" to the parameter group and the name of the moment."""
    moments: dict[int, dict[str, Tensor]] = {}
    for address, tensor in tensors.items():
        index, name = address.split(".", 1)
        moments.setdefault(int(index), {})[name] = tensor
    return moments


def _text(facts: Mapping[str, Json], key: str) -> str:
    value = facts[key]
    if not isinstance(value, str):
        raise TypeError(f"`{key}` is no text: {value!r}")
    return value


def _whole(facts: Mapping[str, Json], key: str) -> int:
    value = facts[key]
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"`{key}` is no whole number: {value!r}")
    return value


def _number(facts: Mapping[str, Json], key: str) -> float:
    value = facts[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"`{key}` is no number: {value!r}")
    return float(value)


def _table(facts: Mapping[str, Json], key: str) -> dict[str, Json]:
    value = facts[key]
    if not isinstance(value, dict):
        raise TypeError(f"`{key}` is no table: {value!r}")
    return value

"""What a training used of its budget, and whether two trainings used the same: only then may their AP be compared."""

from collections.abc import Mapping
from dataclasses import dataclass

from suite.evidence import Evidence, EvidenceError
from suite.record import Json

METRIC = "train_steps"
"""The metric whose notes hold a `Used`."""


@dataclass(frozen=True, slots=True)
class Used(Evidence):
    """The budget of one training and what became of it.

    Attributes:
        kind: "steps", "epochs", "flops" or "seconds": what `amount` counts.
        batch: pictures a step.
        flops: of training, by the convention that a step costs three forward passes, and a multiply-add two.
        seconds: wall time of the loop.
        end: what ended it: "budget", "time" or "patience".
        pictures: a checksum of all batches, equal where the same pictures came in the same order, changed alike.
    """

    kind: str
    amount: float
    batch: int
    steps: int
    images: int
    flops: float
    seconds: float
    end: str
    pictures: str

    @property
    def stated(self) -> str:
        """The budget in words."""
        unit = {"flops": "FLOPs", "seconds": "s"}.get(self.kind, self.kind)
        if self.amount == 1:
            unit = unit.removesuffix("s")
        return f"{self.amount:g} {unit} in batches of {self.batch}"


def used(notes: Mapping[str, Json]) -> Used | None:
    """What `as_json` gave; None of anything else, such as the notes of an older version."""
    try:
        return Used.from_json(notes)
    except EvidenceError:
        return None


def budget_difference(variant: Mapping[int, Used], base: Mapping[int, Used]) -> str:
    """Why the trainings of a variant and its base, by seed, may not be compared; "" if they may."""
    for name, trainings in (("it", variant), ("its base", base)):
        early = [seed for seed, training in trainings.items() if training.end == "patience"]
        if early:
            return f"seed {early[0]} of {name} was stopped early, after {trainings[early[0]].steps} steps"
    stated = [
        sorted({training.stated for training in trainings.values()})
        for trainings in (variant, base)
    ]
    if stated[0] and stated[1] and (stated[0] != stated[1] or len(stated[0]) > 1):
        return f"it was trained for {' or '.join(stated[0])}, its base for {' or '.join(stated[1])}"
    for seed in sorted(variant.keys() & base.keys()):
        mine, other = variant[seed], base[seed]
        if mine.steps == other.steps and mine.pictures != other.pictures:
            return f"seed {seed} saw other pictures than seed {seed} of its base, or saw them changed otherwise"
    return ""

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
    early = _stopped_early("it", variant) or _stopped_early("its base", base)
    if early:
        return early
    budgets, base_budgets = _budgets(variant), _budgets(base)
    comparable = budgets == base_budgets and len(budgets) == 1
    if budgets and base_budgets and not comparable:
        return (
            f"it was trained for {' or '.join(budgets)}, its base for {' or '.join(base_budgets)}"
        )
    for seed in sorted(variant.keys() & base.keys()):
        if _saw_other_pictures(variant[seed], base[seed]):
            return f"seed {seed} saw other pictures than seed {seed} of its base, or saw them changed otherwise"
    return ""


def _stopped_early(name: str, trainings: Mapping[int, Used]) -> str:
    """A sentence on the first training that patience ended; "" if there is none."""
    for seed, training in trainings.items():
        if training.end == "patience":
            return f"seed {seed} of {name} was stopped early, after {training.steps} steps"
    return ""


def _budgets(trainings: Mapping[int, Used]) -> list[str]:
    """The budgets of several trainings in words, each once."""
    return sorted({training.stated for training in trainings.values()})


def _saw_other_pictures(training: Used, base: Used) -> bool:
    """Whether the two made as many steps on other batches."""
    return training.steps == base.steps and training.pictures != base.pictures

"""How long a protocol trains, and how often it writes down how far it is."""

from dataclasses import dataclass

from suite.protocols.limits import MAX_COUNT, MAX_FLOPS, WEEK
from suite.yaml.rules import needed, setting

BUDGETS = ("steps", "epochs", "flops", "seconds")


@dataclass(frozen=True, slots=True)
class Budget:
    """How long every variant is trained, with `batch` pictures a step; exactly one of the others is stated."""

    batch: int = needed("pictures a step", low=1, high=65_536)
    steps: int | None = setting(None, "batches", low=1, high=MAX_COUNT)
    epochs: int | None = setting(None, "passes over the training pictures", low=1, high=MAX_COUNT)
    flops: float | None = setting(
        None,
        "FLOPs of training, six a multiply-add of the forward pass",
        low=0, high=MAX_FLOPS, above=True,
    )  # fmt: skip
    seconds: float | None = setting(
        None,
        "wall time, by which rates and schedules go then",
        low=0, high=WEEK, above=True,
    )  # fmt: skip

    @property
    def kind(self) -> str:
        """Which of them is stated."""
        return next(name for name in BUDGETS if getattr(self, name) is not None)

    @property
    def amount(self) -> float:
        """How much of it."""
        amount: float = getattr(self, self.kind)
        return amount


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """How often a training writes one: after so many minutes, or after so many steps where they are stated."""

    minutes: float = setting(10.0, "minutes between two", low=0, high=WEEK / 60)
    steps: int = setting(0, "steps between two, in the place of minutes", low=1, high=MAX_COUNT)

"""How long a protocol trains, and how often it writes down how far it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """How long every variant is trained, with `batch` pictures a step; exactly one of the others is stated.

    `steps` are batches, `epochs` passes over the training pictures, `flops` those of training (six a multiply-add of
    the forward pass), `seconds` wall time, by which rates and schedules go then.
    """

    batch: int
    steps: int | None = None
    epochs: int | None = None
    flops: float | None = None
    seconds: float | None = None

    @property
    def kind(self) -> str:
        """Which of them is stated."""
        return next(name for name in BUDGETS if getattr(self, name) is not None)

    @property
    def amount(self) -> float:
        """How much of it."""
        amount: float = getattr(self, self.kind)
        return amount


BUDGETS = ("steps", "epochs", "flops", "seconds")


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """How often a training writes one: after so many minutes, or after so many steps where they are stated."""

    minutes: float = 10.0
    steps: int = 0

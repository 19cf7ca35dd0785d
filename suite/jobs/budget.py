"""From a protocol's budget to what the loop is given, and what a training says it used."""

from dataclasses import dataclass

from suite.metrics.cost.flops import GIGA, count
from suite.metrics.definitions import TRAIN_STEPS
from suite.nn.detector import build
from suite.protocols import Budget
from suite.record import Measurement
from suite.spec.records.variant import Variant
from suite.stats.budget import Used
from suite.train.loop import Trained

FLOPS_PER_MAC = 6  # a multiply-add is two, and the backward pass costs twice the forward pass
MOST = 1_000_000_000  # steps, where the wall time is what ends a run


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one variant may use: steps, or seconds if they are stated; `flops` is what training costs on one picture."""

    steps: int
    seconds: float | None
    flops: float


def allowance(
    budget: Budget, variant: Variant, *, classes: int, image_size: int, pictures: int
) -> Allowance:
    """The budget for this variant on data of so many pictures: whole steps, epochs rounded up and FLOPs down."""
    macs = (
        count(build(variant, classes, device="meta").eval(), "trained", image_size).samples[0]
        * GIGA
    )
    flops = FLOPS_PER_MAC * macs
    if budget.seconds is not None:
        return Allowance(MOST, budget.seconds, flops)
    if budget.flops is not None:
        return Allowance(max(int(budget.flops / (flops * budget.batch)), 1), None, flops)
    if budget.epochs is not None:
        return Allowance(-(-budget.epochs * pictures // budget.batch), None, flops)
    assert budget.steps is not None
    return Allowance(budget.steps, None, flops)


def measure_budget(budget: Budget, allowed: Allowance, trained: Trained) -> Measurement:
    """The steps that were trained, with everything else that was used beside them."""
    used = Used(
        kind=budget.kind,
        amount=budget.amount,
        batch=budget.batch,
        steps=trained.steps,
        images=trained.images,
        flops=trained.images * allowed.flops,
        seconds=trained.seconds,
        end=trained.end,
        pictures=trained.pictures,
    )
    return Measurement(
        TRAIN_STEPS.name,
        TRAIN_STEPS.version,
        TRAIN_STEPS.unit,
        "trained",
        (float(used.steps),),
        notes=used.as_json,
    )

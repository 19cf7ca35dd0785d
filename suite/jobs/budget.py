"""From a protocol's budget to the limits of one training, and what that training says it used."""

from suite.metrics.cost.flops import GIGA, count
from suite.metrics.definitions import TRAIN_STEPS
from suite.nn.detector import build
from suite.protocols import Budget
from suite.record import Measurement
from suite.spec.records.variant import Variant
from suite.stats.budget import Used
from suite.train.run import TrainingResult
from suite.train.training import Limits

FLOPS_PER_MAC = 6  # a multiply-add is two, and the backward pass costs twice the forward pass
MOST = 1_000_000_000  # steps, where the wall time is what ends a run


def allowance(
    budget: Budget, variant: Variant, *, classes: int, image_size: int, pictures: int
) -> Limits:
    """The budget for this variant on data of so many pictures: whole steps, epochs rounded up and FLOPs down.

    Raises:
        SpecError: the variant does not build.
    """
    model = build(variant, classes, device="meta").eval()
    macs = count(model, "trained", image_size).samples[0] * GIGA
    flops = FLOPS_PER_MAC * macs
    if budget.seconds is not None:
        return Limits(MOST, budget.seconds, flops)
    if budget.flops is not None:
        return Limits(max(int(budget.flops / (flops * budget.batch)), 1), None, flops)
    if budget.epochs is not None:
        # at least one, so that it is the loader which refuses data without a picture
        return Limits(max(-(-budget.epochs * pictures // budget.batch), 1), None, flops)
    assert budget.steps is not None
    return Limits(budget.steps, None, flops)


def measure_budget(result: TrainingResult) -> Measurement:
    """The steps that were trained, with everything else that was used beside them."""
    training, trained = result.training, result.trained
    used = Used(
        kind=training.budget.kind,
        amount=training.budget.amount,
        batch=training.batch,
        steps=trained.steps,
        images=trained.images,
        flops=trained.images * training.limits.flops_per_image,
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

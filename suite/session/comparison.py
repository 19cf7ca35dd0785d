"""Two variants of a store against each other, judged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from reports.compare.family import Family, family_of_trainings
from reports.compare.pair import Pair, Wanted, pair
from reports.compare.pair_latency import TimedPair, timed_pair
from reports.words import signed
from suite.session.stored import require_store
from suite.stats.intervals import Estimate
from suite.stats.verdict import Rule, Verdict, verdict

Metric: TypeAlias = Literal["ap", "ap50", "latency"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, by which rule, and what came of it.

    `evidence` holds the trainings of both (`Pair`), or for latency the times of both (`TimedPair`). For accuracy the
    estimate is the variant's value less the base's; for latency it is the variant's time over the base's. `family` are
    the comparisons among which it was judged.
    """

    base: str
    variant: str
    metric: Metric
    evidence: Pair | TimedPair
    rule: Rule
    verdict: Verdict
    family: Family

    @property
    def estimate(self) -> Estimate:
        """The difference or ratio with its interval."""
        return self.evidence.estimate

    def __str__(self) -> str:
        return f"{self.variant} against {self.base}: {self.verdict.word}, {self.verdict.sentence}"


def compare_accuracy(
    store: Path, base: Wanted, variant: Wanted, metric: Literal["ap", "ap50"], *, run_id: str = ""
) -> Comparison:
    """Compare by accuracy, from any runs of the store that trained both alike.

    Args:
        store: the store's file.
        base: with the seeds of it that count, () for all.
        variant: likewise; it may be the same variant with other seeds.
        metric: COCO's AP or AP50.
        run_id: only this run, or "latest".

    Raises:
        PairError: nothing can be compared, and why.
        StoreError: there is no such run, or the store cannot be read; NothingStoredError where there is none.
    """
    require_store(store)
    evidence = pair(store, base, variant, metric, run_id=run_id)
    rule = Rule("higher", evidence.rules.ap_floor, signed)
    sides = ((base.name, evidence.base), (variant.name, evidence.variant))
    ours, theirs = ((name, {each.key for each in trainings}) for name, trainings in sides)
    family = family_of_trainings(store, ours, theirs, metric)
    names = (base.name, variant.name)
    return _judged(names, metric, evidence, rule, family)


def compare_latency(store: Path, base: str, variant: str, *, run_id: str = "") -> Comparison:
    """Compare by wall time, from the newest run that timed both, or the run named.

    Raises:
        PairError: nothing can be compared, and why.
        StoreError: there is no such run, or the store cannot be read; NothingStoredError where there is none.
    """
    require_store(store)
    evidence = timed_pair(store, base, variant, run_id=run_id)
    return _judged((base, variant), "latency", evidence, evidence.rule, evidence.family)


def _judged(
    names: tuple[str, str],
    metric: Metric,
    evidence: Pair | TimedPair,
    rule: Rule,
    family: Family,
) -> Comparison:
    """A pair that a run's report judges too is judged among all of that run, one that no report has on its own."""
    estimate = evidence.estimate
    p = estimate.p if family.p_adjusted is None else family.p_adjusted
    judged = verdict(estimate, p_adjusted=p, rule=rule, comparisons=family.size)
    return Comparison(*names, metric, evidence, rule, judged, family)

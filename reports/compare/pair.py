"""Two variants of a store against each other, from whichever runs, where the conditions are equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reports.model import Rules
from reports.run.gather import rules_of
from reports.run.resamples import resamples_of
from suite.record import Json, Measurement, canonical_json, describe_start
from suite.stats.bootstrap import METRICS as RESAMPLED
from suite.stats.budget import METRIC as BUDGET
from suite.stats.budget import Used, budget_difference, used
from suite.stats.difference import Side, difference
from suite.stats.intervals import Estimate
from suite.store import RunRecord, Store, StoredOutcome


class PairError(ValueError):
    """Two variants that may not, or cannot, be compared; `nothing` where the store holds too little for it."""

    def __init__(self, message: str, *, nothing: bool = False) -> None:
        super().__init__(message)
        self.nothing = nothing


@dataclass(frozen=True, slots=True)
class Training:
    """One training of a variant, and everything that has to be equal for its accuracy to be compared."""

    run: str
    key: str
    seed: int
    fingerprint: str
    recipe: str  # that the variant needs, "" where any will do
    conditions: Mapping[str, Json]
    start: str  # what it began with, in words
    measurements: tuple[Measurement, ...]
    artifacts: tuple[str, ...]

    def value(self, metric: str) -> float | None:
        """The accuracy by this metric; None where it was not measured."""
        found = (m.samples[0] for m in self.measurements if m.metric == metric and m.samples)
        return next(found, None)

    @property
    def used(self) -> Used | None:
        """What it used of its budget; None in stores that do not say."""
        return next((used(m.notes) for m in self.measurements if m.metric == BUDGET), None)


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared: the base's trainings and the variant's, by rising seed, under the same conditions."""

    metric: str
    conditions: Mapping[str, Json]
    base: tuple[Training, ...]
    variant: tuple[Training, ...]
    rules: Rules  # of the newest protocol
    estimate: Estimate

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know before the verdict."""
        found = []
        ap50 = [value for training in self.base if (value := training.value("ap50")) is not None]
        if ap50 and np.mean(ap50) < self.rules.base_trains:
            least = self.rules.base_trains
            found.append(
                f"the base has learned next to nothing: AP50 {np.mean(ap50):.3f}, below {least:g}"
            )
        starts = [sorted({t.start for t in side}) for side in (self.base, self.variant)]
        if starts[0] != starts[1]:
            found.append(
                f"they began differently: {' and '.join(starts[0])}; {' and '.join(starts[1])}"
            )
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A variant, and the seeds of it that are asked for; () is all."""

    name: str
    seeds: tuple[int, ...] = ()


def pair(store_path: Path, base: Wanted, variant: Wanted, metric: str, *, run_id: str = "") -> Pair:
    """Find the trainings of both that may be compared, and compare them.

    Of several conditions under which both were trained, the newest are taken. Without `run_id` all runs are searched.

    Raises:
        PairError: nothing can be compared, and why.
        StoreError: there is no store, or no such run in it.
    """
    with Store.open_readonly(store_path) as store:
        runs = (store.run(run_id),) if run_id else tuple(reversed(store.runs()))
        outcomes = {
            run.id: {outcome.key: outcome for outcome in store.outcomes(run.id)} for run in runs
        }
    sides = [_trainings(each, runs, outcomes, metric) for each in (base, variant)]
    conditions = _shared(base, variant, *sides)
    chosen = [
        [t for t in side if canonical_json(dict(t.conditions)) == conditions] for side in sides
    ]
    bases, variants = (
        _of_seeds(each, side) for each, side in zip((base, variant), chosen, strict=True)
    )
    _refuse_unequal(base, variant, bases, variants)
    estimate = difference(*_sides(store_path.parent, bases, variants, metric))
    newest = next(run for run in runs if run.id == max(t.run for t in (*bases, *variants)))
    return Pair(
        metric, bases[0].conditions, bases, variants, rules_of(newest.protocol_json), estimate
    )


def _trainings(
    wanted: Wanted,
    runs: Sequence[RunRecord],
    outcomes: Mapping[str, Mapping[str, StoredOutcome]],
    metric: str,
) -> list[Training]:
    """All trainings of the network that bears the name now, newest run first; one that several runs share once."""
    found: dict[str, Training] = {}
    records = [
        (run, record) for run in runs for record in run.variants if record.name == wanted.name
    ]
    for run, record in records:
        if record.fingerprint != records[0][1].fingerprint:
            continue  # another network, which bore the name before
        for job in run.jobs:
            if (
                job.variant == record.name
                and job.kind == "train"
                and job.status == "done"
                and job.key not in found
            ):
                outcome = outcomes[run.id][job.key]
                found[job.key] = _training(run, outcome, recipe=str(record.spec.get("recipe", "")))
    measured = [training for training in found.values() if training.value(metric) is not None]
    if not measured:
        known = sorted({record.name for run in runs for record in run.variants})
        what = (
            f"no training with {metric}"
            if records
            else f"no variant of that name; there are: {', '.join(known)}"
        )
        raise PairError(f"{wanted.name}: the store has {what}", nothing=True)
    return measured


def _training(run: RunRecord, outcome: StoredOutcome, *, recipe: str) -> Training:
    protocol = run.protocol_json
    versions = {
        m.metric: m.metric_version for m in outcome.measurements if m.metric in {"ap", "ap50"}
    }
    budget = next((used(m.notes) for m in outcome.measurements if m.metric == BUDGET), None)
    conditions: dict[str, Json] = {
        "data": run.dataset_fingerprint,
        "recipe": protocol.get("recipe"),
        "budget": budget.stated if budget else protocol.get("budget"),
        "image_size": protocol.get("image_size"),
        "evaluation": protocol.get("evaluation"),
        "device": outcome.environment.get("device"),
        "versions": dict(versions),
    }
    assert outcome.seed is not None
    return Training(
        run.id, outcome.key, outcome.seed, outcome.fingerprint, recipe, conditions,
        describe_start(outcome.environment.get("start")), outcome.measurements, outcome.artifacts,
    )  # fmt: skip


def _shared(
    base: Wanted, variant: Wanted, bases: Sequence[Training], variants: Sequence[Training]
) -> str:
    """The newest conditions under which both were trained, as their canonical JSON."""
    theirs = {canonical_json(dict(t.conditions)) for t in variants}
    both = [text for t in bases if (text := canonical_json(dict(t.conditions))) in theirs]
    if both:
        return both[0]
    mine, other = bases[0].conditions, variants[0].conditions
    unlike = [
        f"{key} {_told(mine[key])} and {_told(other[key])}"
        for key in mine
        if mine[key] != other[key]
    ]
    raise PairError(
        f"{base.name} and {variant.name} were never trained alike: {'; '.join(unlike)}; train both in one run"
    )


def _told(value: Json) -> str:
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)


def _of_seeds(wanted: Wanted, trainings: Sequence[Training]) -> tuple[Training, ...]:
    """Those of the seeds asked for, by rising seed; of a seed that was trained twice, the newest."""
    by_seed: dict[int, Training] = {}
    for training in trainings:
        by_seed.setdefault(training.seed, training)
    missing = [str(seed) for seed in wanted.seeds if seed not in by_seed]
    if missing:
        there = ", ".join(str(seed) for seed in sorted(by_seed))
        raise PairError(
            f"{wanted.name}: has no seed {', '.join(missing)}; there are: {there}", nothing=True
        )
    return tuple(by_seed[seed] for seed in sorted(wanted.seeds or by_seed))


def _refuse_unequal(
    base: Wanted, variant: Wanted, bases: Sequence[Training], variants: Sequence[Training]
) -> None:
    if {t.key for t in bases} & {t.key for t in variants}:
        raise PairError(
            f"{base.name} would be compared with itself; name two sets of seeds by --seeds and --against"
        )
    for wanted, trainings in ((base, bases), (variant, variants)):
        recipe, given = trainings[0].recipe, trainings[0].conditions["recipe"]
        if recipe not in {"", given}:
            raise PairError(
                f"{wanted.name}: needs the recipe {recipe}, but was trained with {given}"
            )
    spent = [{t.seed: found for t in side if (found := t.used)} for side in (variants, bases)]
    unequal = budget_difference(*spent)
    if unequal:
        raise PairError(f"{variant.name} against {base.name}: {unequal}; train both in one run")


def _sides(
    folder: Path, bases: Sequence[Training], variants: Sequence[Training], metric: str
) -> tuple[Side, Side]:
    """Values, and resamples where every training has some, of the same pictures."""
    found = (
        resamples_of(folder, {t.key: t.artifacts for t in (*bases, *variants)})
        if metric in RESAMPLED
        else {}
    )
    alike = (
        len(found) == len(bases) + len(variants)
        and len({each.truth for each in found.values()}) == 1
    )

    def side(trainings: Sequence[Training]) -> Side:
        values = tuple(value for t in trainings if (value := t.value(metric)) is not None)
        if not alike:
            return Side(values)
        rows = [found[t.key].values[RESAMPLED.index(metric)] for t in trainings]
        return Side(values, np.stack(rows), found[trainings[0].key].pictures)

    return side(bases), side(variants)

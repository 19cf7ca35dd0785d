"""Two variants of a store against each other, from whichever runs, where the conditions are equal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from reports.model import Resampled, Rules
from reports.run.gather import rules_of
from reports.run.resamples import Trained, resamples_of, sides
from suite.metrics.evidence.training import TrainingStart
from suite.record import Json, Measurement, canonical_json
from suite.stats.bootstrap import METRICS as RESAMPLED
from suite.stats.budget import METRIC as BUDGET
from suite.stats.budget import Used, budget_difference, used
from suite.stats.difference import difference
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
        samples = (m.samples for m in self.measurements if m.metric == metric and m.samples)
        return next((values[0] for values in samples), None)

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
        warnings = []
        values = [training.value("ap50") for training in self.base]
        ap50 = [value for value in values if value is not None]
        least = self.rules.base_trains
        if ap50 and fmean(ap50) < least:
            reached = f"AP50 {fmean(ap50):.3f}, below {least:g}"
            warnings.append(f"the base has learned next to nothing: {reached}")
        base, variant = (sorted({t.start for t in side}) for side in (self.base, self.variant))
        if base != variant:
            starts = f"{' and '.join(base)}; {' and '.join(variant)}"
            warnings.append(f"they began differently: {starts}")
        return tuple(warnings)


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
    every = [_trainings(wanted, runs, outcomes, metric) for wanted in (base, variant)]
    shared = _shared(base, variant, *every)
    bases, variants = (
        _of_seeds(wanted, [training for training in side if _conditions(training) == shared])
        for wanted, side in zip((base, variant), every, strict=True)
    )
    _refuse_unequal(base, variant, bases, variants)
    estimate = _estimate(store_path.parent, bases, variants, metric)
    newest = next(run for run in runs if run.id == max(t.run for t in (*bases, *variants)))
    rules = rules_of(newest.protocol_json)
    return Pair(metric, bases[0].conditions, bases, variants, rules, estimate)


def _trainings(
    wanted: Wanted,
    runs: Sequence[RunRecord],
    outcomes: Mapping[str, Mapping[str, StoredOutcome]],
    metric: str,
) -> list[Training]:
    """All trainings of the network that bears the name now, newest run first; one that several runs share once."""
    named = [(run, record) for run in runs for record in run.variants if record.name == wanted.name]
    trainings: dict[str, Training] = {}
    for run, record in named:
        if record.fingerprint != named[0][1].fingerprint:
            continue  # another network, which bore the name before
        recipe = str(record.spec.get("recipe", ""))
        for key in _trained_keys(run, record.name):
            trainings.setdefault(key, _training(run, outcomes[run.id][key], recipe=recipe))
    measured = [training for training in trainings.values() if training.value(metric) is not None]
    if not measured:
        known = sorted({record.name for run in runs for record in run.variants})
        lacking = f"no variant of that name; there are: {', '.join(known)}"
        if named:
            lacking = f"no training with {metric}"
        raise PairError(f"{wanted.name}: the store has {lacking}", nothing=True)
    return measured


def _trained_keys(run: RunRecord, variant: str) -> list[str]:
    """The keys of the trainings of a variant that have a result."""
    trainings = [job for job in run.jobs if job.variant == variant and job.kind == "train"]
    return [job.key for job in trainings if job.status == "done"]


def _training(run: RunRecord, outcome: StoredOutcome, *, recipe: str) -> Training:
    protocol, measurements = run.protocol_json, outcome.measurements
    spent = next((used(m.notes) for m in measurements if m.metric == BUDGET), None)
    conditions: dict[str, Json] = {
        "data": run.dataset_fingerprint,
        "recipe": protocol.get("recipe"),
        "budget": spent.stated if spent else protocol.get("budget"),
        "image_size": protocol.get("image_size"),
        "evaluation": protocol.get("evaluation"),
        "device": outcome.environment.get("device"),
        "versions": {
            m.metric: m.metric_version for m in measurements if m.metric in {"ap", "ap50"}
        },
    }
    assert outcome.seed is not None
    return Training(
        run=run.id,
        key=outcome.key,
        seed=outcome.seed,
        fingerprint=outcome.fingerprint,
        recipe=recipe,
        conditions=conditions,
        start=TrainingStart.from_json(outcome.environment.get("start", {})).described(),
        measurements=measurements,
        artifacts=outcome.artifacts,
    )


def _conditions(training: Training) -> str:
    """The conditions as text, equal where they are."""
    return canonical_json(dict(training.conditions))


def _shared(
    base: Wanted, variant: Wanted, bases: Sequence[Training], variants: Sequence[Training]
) -> str:
    """The newest conditions under which both were trained."""
    of_variants = {_conditions(training) for training in variants}
    both = [text for text in map(_conditions, bases) if text in of_variants]
    if both:
        return both[0]
    mine, other = bases[0].conditions, variants[0].conditions
    unlike = [
        f"{key} {_shortened(mine[key])} and {_shortened(other[key])}"
        for key in mine
        if mine[key] != other[key]
    ]
    raise PairError(
        f"{base.name} and {variant.name} were never trained alike: {'; '.join(unlike)}; train both in one run"
    )


def _shortened(value: Json) -> str:
    """A hash by its beginning."""
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
    if {training.key for training in bases} & {training.key for training in variants}:
        raise PairError(
            f"{base.name} would be compared with itself; name two sets of seeds by --seeds and --against"
        )
    for wanted, trainings in ((base, bases), (variant, variants)):
        recipe, given = trainings[0].recipe, trainings[0].conditions["recipe"]
        if recipe not in {"", given}:
            raise PairError(
                f"{wanted.name}: needs the recipe {recipe}, but was trained with {given}"
            )
    unequal = budget_difference(_used_by_seed(variants), _used_by_seed(bases))
    if unequal:
        raise PairError(f"{variant.name} against {base.name}: {unequal}; train both in one run")


def _used_by_seed(trainings: Sequence[Training]) -> dict[int, Used]:
    known = [(training.seed, training.used) for training in trainings]
    return {seed: spent for seed, spent in known if spent is not None}


def _estimate(
    folder: Path, bases: Sequence[Training], variants: Sequence[Training], metric: str
) -> Estimate:
    """The difference, with the choice of the test pictures in it where every training has resamples."""
    artifacts = {training.key: training.artifacts for training in (*bases, *variants)}
    resamples = resamples_of(folder, artifacts) if metric in RESAMPLED else {}
    return difference(
        *sides(_trained(bases, metric, resamples), _trained(variants, metric, resamples), metric)
    )


def _trained(
    trainings: Sequence[Training], metric: str, resamples: Mapping[str, Resampled]
) -> list[Trained]:
    values = [(training.key, training.value(metric)) for training in trainings]
    return [Trained(value, resamples.get(key)) for key, value in values if value is not None]

"""What a run will take: minutes and disk, from what the store knows of this machine, else from FLOPs."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from suite.jobs.budget import allowance
from suite.metrics.evidence.timing import Timing
from suite.nn.detector import build
from suite.plan import Conditions, Job
from suite.session.runs import PreparedRun
from suite.spec.records.variant import Variant
from suite.stats.budget import METRIC, Used, used
from suite.store import Store, StoredOutcome
from suite.yaml.errors import SpecError

Source = Literal["same", "others", "guess"]
"""Where a number is from: the same network on this machine, other networks on it, or an assumed speed."""

SPREAD: dict[Source, float] = {"same": 1.25, "others": 2.0, "guess": 5.0}
"""The factor, either way, that an estimate of each source may well be wrong by."""

CPU_FLOPS = 10e9  # a second and core in training, a rough figure for processors of the day
GPU_FLOPS = 5e12  # likewise of a card
# seconds: counting a network, opening sessions, evaluating a picture
_STATIC, _OPENING, _EVALUATION = 8.0, 5.0, 0.05
# bytes: of a weight, of a training's records, of what is found in a picture
_FLOAT, _RECORDS, _PICTURE = 4, 60_000, 2_000


class _Guess(NamedTuple):
    """One job's seconds, the bytes that it leaves, and where both are from."""

    seconds: float
    bytes: float
    source: Source


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the jobs that are not stored will take.

    Attributes:
        seconds: wall time, with as many jobs at once as the protocol says.
        low: it may well be as little as that.
        high: or as much.
        bytes: on the disk when all is done.
        sources: how many jobs are judged by what.
    """

    seconds: float
    low: float
    high: float
    bytes: float
    sources: dict[Source, int]

    def __str__(self) -> str:
        if not sum(self.sources.values()):
            return "estimate: nothing is left to be done"
        words = {
            "same": "by the same network on this machine",
            "others": "by other networks on this machine",
            "guess": "by FLOPs and an assumed speed",
        }
        told = [f"{number} {words[source]}" for source, number in self.sources.items() if number]
        return (
            f"estimate: {_time(self.seconds)}, perhaps {_time(self.low)} to {_time(self.high)}, "
            f"and {_size(self.bytes)} of disk; jobs judged: {', '.join(told)}"
        )


def estimate(prepared: PreparedRun, stored: set[str]) -> Estimate:
    """What the rest of a run will take.

    Args:
        prepared: by `prepare`.
        stored: the keys that need not be done.

    Raises:
        StoreError: the store cannot be read.
    """
    options, conditions = prepared.options, prepared.plan.conditions
    known: tuple[StoredOutcome, ...] = ()
    if options.store.exists():
        with Store.open_readonly(options.store) as store:
            known = store.outcomes()
    here = [
        outcome
        for outcome in known
        if outcome.failure is None
        and outcome.environment.get("machine") == conditions.machine["class"]
    ]
    pictures = (_pictures(prepared, "train"), _pictures(prepared, "val"))
    history = _History(conditions, here, options.out, pictures)
    # two files may describe one network: their jobs have one key and are done once
    jobs = {job.key: job for job in prepared.plan.jobs if job.key not in stored}.values()
    return _summed([(job, history.guess(job)) for job in jobs], conditions.protocol.parallel)


def _summed(guesses: Sequence[tuple[Job, _Guess]], parallel: int) -> Estimate:
    """Timings run alone, all others several at once."""

    def wall(power: int) -> float:
        alone = together = longest = 0.0
        for job, guess in guesses:
            seconds = guess.seconds * SPREAD[guess.source] ** power
            if job.kind == "latency":
                alone += seconds
            else:
                together, longest = together + seconds, max(longest, seconds)
        return alone + max(together / parallel, longest)

    counts = Counter(guess.source for _, guess in guesses)
    sources: dict[Source, int] = {source: counts[source] for source in SPREAD}
    size = sum(guess.bytes for _, guess in guesses)
    return Estimate(wall(0), wall(-1), wall(1), size, sources)


@dataclass(frozen=True, slots=True)
class _History:
    """What this machine did before; `pictures` are those of training and of validation."""

    conditions: Conditions
    outcomes: Sequence[StoredOutcome]
    out: Path
    pictures: tuple[int, int]
    flops: dict[str, float] = field(default_factory=dict)  # of one training, by fingerprint

    def guess(self, job: Job) -> _Guess:
        """One job's."""
        if job.kind == "train":
            return self._training(job)
        if job.kind == "latency":
            return self._timing(job)
        seconds, source = self._median(job, lambda outcome: outcome.seconds)
        return _Guess(_STATIC if seconds is None else seconds, 0, source)

    def _timing(self, job: Job) -> _Guess:
        """Rounds go on for a stated time at most; the rest is opening sessions."""
        limit = self.conditions.protocol.latency.seconds

        def opening(outcome: StoredOutcome) -> float | None:
            timings = (Timing.from_json(m.notes) for m in outcome.measurements)
            cap = next((timing.cap_seconds for timing in timings if timing.cap_seconds), None)
            return None if cap is None else max(outcome.seconds - cap, 0)

        seconds, source = self._median(job, opening)
        return _Guess(limit + (_OPENING if seconds is None else seconds), 0, source)

    def _training(self, job: Job) -> _Guess:
        """The loop goes by FLOPs; what comes before and after it does not."""
        flops = self._flops(job.variant)
        alike, source = self._alike(job)
        trained = [(outcome, spent) for outcome in alike if (spent := _used(outcome))]
        if not trained:
            loop = self.conditions.protocol.budget.seconds or flops / self._assumed_speed()
            size = _FLOAT * _parameters(job.variant) + _RECORDS + _PICTURE * self.pictures[1]
            return _Guess(loop + _EVALUATION * self.pictures[1], size, "guess")
        rest = statistics.median(outcome.seconds - spent.seconds for outcome, spent in trained)
        pace = statistics.median(spent.seconds / spent.flops for _, spent in trained)
        loop = self.conditions.protocol.budget.seconds or pace * flops
        left = statistics.median(self._size(outcome) for outcome, _ in trained)
        return _Guess(loop + rest, left, source)

    def _assumed_speed(self) -> float:
        """FLOPs a second in training, where nothing was trained yet."""
        if self.conditions.train_device == "cuda":
            return GPU_FLOPS
        cores = self.conditions.machine["cores"]
        assert isinstance(cores, int), "a machine's description counts its cores"
        return CPU_FLOPS * cores

    def _median(
        self, job: Job, value: Callable[[StoredOutcome], float | None]
    ) -> tuple[float | None, Source]:
        alike, source = self._alike(job)
        values = [found for outcome in alike if (found := value(outcome)) is not None]
        return (statistics.median(values), source) if values else (None, "guess")

    def _alike(self, job: Job) -> tuple[list[StoredOutcome], Source]:
        """Outcomes of the same kind: of the same network where there are some, else of all."""
        kind = [outcome for outcome in self.outcomes if outcome.kind == job.kind]
        if job.setup is not None:
            kind = [outcome for outcome in kind if _setup(outcome) == str(job.setup)]
        same = [outcome for outcome in kind if outcome.fingerprint == job.variant.fingerprint]
        return (same, "same") if same else (kind, "others")

    def _flops(self, variant: Variant) -> float:
        """Of one training, 0 where the network does not build, which the run will say."""
        if variant.fingerprint not in self.flops:
            protocol = self.conditions.protocol
            try:
                limits = allowance(
                    protocol.budget,
                    variant,
                    classes=len(self.conditions.data.classes),
                    image_size=protocol.image_size,
                    pictures=self.pictures[0],
                )
                images = limits.steps * protocol.budget.batch
                flops = 0.0 if protocol.budget.seconds else images * limits.flops_per_image
            except SpecError:
                flops = 0.0
            self.flops[variant.fingerprint] = flops
        return self.flops[variant.fingerprint]

    def _size(self, outcome: StoredOutcome) -> int:
        """The bytes of what a training left."""
        folders = {(self.out / name).parent for name in outcome.artifacts}
        return sum(file.stat().st_size for file in _files(folders))


def _files(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from (file for file in folder.iterdir() if file.is_file())


def _parameters(variant: Variant) -> int:
    """As the file promises, else as built; 0 where it does not build."""
    if variant.expect.params:
        return variant.expect.params
    try:
        return sum(each.numel() for each in build(variant, device="meta").parameters())
    except SpecError:
        return 0


def _used(outcome: StoredOutcome) -> Used | None:
    """What a training used of its budget, if it used anything."""
    notes = (each.notes for each in outcome.measurements if each.metric == METRIC)
    found = next(map(used, notes), None)
    return found if found and found.flops else None


def _setup(outcome: StoredOutcome) -> str:
    """The set-up of a timing, as a protocol calls it."""
    settings = outcome.measurements[0].settings if outcome.measurements else {}
    return "-".join(str(settings.get(key, "")) for key in ("device", "runtime", "precision"))


def _pictures(prepared: PreparedRun, part: str) -> int:
    facts = prepared.data_facts[part]
    number = facts.get("images") if isinstance(facts, dict) else None
    return number if isinstance(number, int) else 0


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _size(number: float) -> str:
    return f"{number / 1e6:.1f} MB" if number < 1e9 else f"{number / 1e9:.1f} GB"

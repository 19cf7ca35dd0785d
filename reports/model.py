"""What the sections read: one run of a store with its measurements joined to its variants, and everything judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from suite.evidence import Evidence
from suite.metrics.evidence.training import TrainingStart
from suite.record import Form, Json, Measurement, Metric
from suite.stats.intervals import Estimate
from suite.stats.resolution import Resolution
from suite.stats.verdict import Verdict
from suite.store import JobRecord, RunRecord, StoredOutcome, VariantRecord

Record = TypeVar("Record", bound=Evidence)
Role = Literal["base", "variant", "control"]
State = Literal["trains", "suspect", "broken", "failed", "unknown", "untrained"]


@dataclass(frozen=True, slots=True)
class Item:
    """A measurement of this run under the name that this run uses."""

    job: JobRecord
    measurement: Measurement
    environment: Mapping[str, Json]
    _read: dict[type[Evidence], Evidence] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def evidence(self, kind: type[Record]) -> Record:
        """What stands beside the samples; `kind` is the record of the metric. Read once: some hold every call."""
        record = self._read.get(kind)
        if not isinstance(record, kind):
            record = kind.from_json(self.measurement.notes)
            self._read[kind] = record
        return record


@dataclass(frozen=True, slots=True)
class Judged:
    """One comparison with the baseline: the estimate, what it means, and its p after Holm."""

    estimate: Estimate
    verdict: Verdict
    p_adjusted: float

    @property
    def deciding(self) -> Estimate:
        """The estimate with the interval that decides: adjusted like p, and never narrower than its own."""
        return replace(self.estimate, low=self.verdict.low, high=self.verdict.high)


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """AP, AP50 and AP75 (rows of `values`) under resamples of the pictures; equal `truth` means equal resamples."""

    truth: str  # hash of the pictures and the objects in them
    pictures: int
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Setup:
    """How something was timed; timings of two setups are never mixed."""

    key: str  # "cpu-fp32-1t", "cpu-openvino-fp32-1t": fit for ids
    title: str  # "CPU, fp32, 1 thread"
    gpu: bool
    eager: bool = True  # in PyTorch as it is; what other runtimes make of the network stands in a section of its own


@dataclass(frozen=True, slots=True)
class Rules:
    """When a difference matters and when a variant counts as trained; from the protocol, else the defaults."""

    ap_floor: float = 0.004
    latency_floor: float = 0.02
    # parameters and multiply-adds are exact; less is written, not coloured
    cost_floor: float = 0.001
    trains: float = 0.57  # share of the base's mean AP50
    broken: float = 0.15
    base_trains: float = 0.1  # AP50 below which the base itself has learned nothing


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of the run."""

    record: VariantRecord
    role: Role
    baseline: str  # "" where the run holds nothing to compare with
    jobs: tuple[JobRecord, ...] = ()
    items: tuple[Item, ...] = ()
    failures: tuple[StoredOutcome, ...] = ()
    state: State = "untrained"
    # by "ap", "ap50", "wall:cpu-fp32-1t", ...
    judged: Mapping[str, Judged] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.record.name

    @property
    def recipe(self) -> str:
        """The recipe that the variant needs; "" where any will do."""
        return str(self.record.spec.get("recipe", ""))

    def find(self, metric: str, form: Form | None = None) -> tuple[Item, ...]:
        """Measurements of a metric, one per seed or replica, in their order."""
        return tuple(
            item
            for item in self.items
            if item.measurement.metric == metric and form in {None, item.measurement.form}
        )

    def seeds(self, metric: str) -> tuple[float, ...]:
        """The value of each seed; a seed that has none is left out."""
        return tuple(
            item.measurement.samples[0] for item in self.find(metric) if item.measurement.samples
        )

    def mean(self, metric: str) -> float | None:
        """The mean over seeds."""
        values = self.seeds(metric)
        return sum(values) / len(values) if values else None

    def exact(self, metric: str, form: Form = "deployed") -> float | None:
        """A quantity that does not vary: parameters, multiply-adds."""
        measured = [item.measurement.samples for item in self.find(metric, form)]
        return next((samples[0] for samples in measured if samples), None)

    @property
    def starts(self) -> tuple[TrainingStart, ...]:
        """What each trained seed began with, in the order of the seeds."""
        return tuple(
            TrainingStart.from_json(item.environment.get("start", {})) for item in self.find("ap")
        )

    @property
    def loaded(self) -> float | None:
        """The share of the parameters that training began with from a weights file; None where nothing was trained."""
        shares = [start.share or 0.0 for start in self.starts]
        return sum(shares) / len(shares) if shares else None

    def evidence(self, kind: type[Record], metric: str, form: Form | None = None) -> Record:
        """What stands beside a metric; a record of nothing where it was not measured."""
        items = self.find(metric, form)
        return items[0].evidence(kind) if items else kind.from_json({})


@dataclass(frozen=True, slots=True)
class Report:
    """All that a page says, still as numbers."""

    run: RunRecord
    rows: tuple[Row, ...]  # each baseline before the variants that refer to it
    facts: Mapping[str, Json]  # of the data set
    rules: Rules
    setups: tuple[Setup, ...]  # CPU first
    # by "wall:" + setup: the A/A ratio measured beside each variant
    copies: Mapping[str, tuple[tuple[str, Estimate], ...]]
    resamples: Mapping[str, Resampled] = field(default_factory=dict)  # by the key of a training
    resolutions: Mapping[str, Resolution] = field(default_factory=dict)  # by the keys of `copies`

    def row(self, name: str) -> Row | None:
        """The row of a variant."""
        return next((row for row in self.rows if row.name == name), None)

    def metric(self, name: str) -> Metric | None:
        """The definition that the run worked with."""
        return next((metric for metric in self.run.metrics if metric.name == name), None)

    @property
    def baseline(self) -> Row | None:
        """The baseline that most variants of the run refer to; of the trained ones, if any were trained."""
        counts = [row.baseline for row in self.rows if row.baseline and row.state != "untrained"]
        counts = counts or [row.baseline for row in self.rows if row.baseline]
        if counts:
            return self.row(max(dict.fromkeys(counts), key=counts.count))
        return next((row for row in self.rows if row.role == "base"), None)

    @property
    def families(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """Every baseline with all that descends from it, in the order of the rows."""
        families: dict[str, list[Row]] = {}
        for row in self.rows:
            root = row
            while root.baseline:
                root = self.row(root.baseline) or Row(root.record, root.role, "")
            families.setdefault(root.name, []).append(row)
        return tuple((name, tuple(rows)) for name, rows in families.items())

    @property
    def variants(self) -> tuple[Row, ...]:
        """The rows that are judged: neither baselines nor controls."""
        return tuple(row for row in self.rows if row.role == "variant")

    @property
    def plain_setups(self) -> tuple[Setup, ...]:
        """Those in which variants are compared at first sight: eager mode's, or all where there is none of it."""
        return tuple(setup for setup in self.setups if setup.eager) or self.setups

    def resolution(self, clock: str) -> float | None:
        """The least difference that this machine could tell apart, as a fraction; None where no copy was timed."""
        resolution = self.resolutions.get(clock)
        return resolution.value if resolution else None

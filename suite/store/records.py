"""What a store gives back: runs, their jobs and variants, stored outcomes and measurements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from suite.record import Failure, JobKind, Json, Measurement, Metric

STRIDES = "strides"
"""The measurement of a static job that carries the output strides (samples); its notes are `suite.store.strides`."""

Status = Literal["done", "failed", "missing"]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job of one run. `reused`: its outcome was in the store before the run began.

    `seed` is None except for training, `replica` except for latency. `status` and `reused` are filled on reading.
    """

    key: str
    kind: JobKind
    variant: str
    fingerprint: str
    seed: int | None = None
    replica: int | None = None
    status: Status = "missing"
    reused: bool = False


@dataclass(frozen=True, slots=True)
class VariantRecord:
    """A variant as a run saw it. `strides` and `warnings` stay empty until its static job is done."""

    name: str
    title: str
    paper: str
    base: str
    baseline: str
    control: str
    fingerprint: str
    strides: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    spec: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One invocation of `run`. `finished` is "" while it runs and for ever if it was killed."""

    id: str
    started: str  # ISO 8601, UTC
    finished: str
    protocol: str
    protocol_json: Mapping[str, Json]
    git: str  # commit, "+changes" behind it where the tree had some; "" outside a checkout
    machine: Mapping[str, Json]
    dataset_fingerprint: str
    jobs: tuple[JobRecord, ...]
    metrics: tuple[Metric, ...]
    variants: tuple[VariantRecord, ...]  # baselines before what refers to them


@dataclass(frozen=True, slots=True)
class StoredMeasurement:
    """A measurement with its origin.

    `variant` is the name at the time of measuring: a run that reuses it may know the network by another name,
    so join on `job_key`, never on the name.
    """

    job_key: str
    variant: str
    fingerprint: str
    seed: int | None
    replica: int | None
    measurement: Measurement
    started: str
    environment: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """What one job left behind: measurements, or a failure."""

    key: str
    kind: JobKind
    variant: str
    fingerprint: str
    seed: int | None
    replica: int | None
    started: str
    seconds: float
    environment: Mapping[str, Json]
    artifacts: tuple[str, ...]
    failure: Failure | None
    measurements: tuple[Measurement, ...]

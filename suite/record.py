"""What is kept: the records that travel from a job through the store to the report. Never imports torch."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Form = Literal["trained", "deployed", ""]
Stage = Literal["build", "expect", "deploy", "cost", "latency", "data", "train", "eval"]
JobKind = Literal["static", "train", "latency"]


def canonical_json(value: object) -> str:
    """The one text of a JSON value: sorted keys, no spaces, no NaN (raises ValueError)."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON of `value`, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number means. `version` rises when the method changes: histories never join two versions."""

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher", ""]
    version: int
    digits: int
    group: Literal["size", "compute", "latency", "accuracy", "training"]

    def measured(
        self,
        samples: Iterable[float],
        *,
        form: Form,
        settings: Mapping[str, Json] | None = None,
        notes: Mapping[str, Json] | None = None,
    ) -> "Measurement":
        """Samples, in the metric's unit, with what they depend on and the evidence beside them."""
        return Measurement(
            self.name, self.version, self.unit, form, tuple(samples), settings or {}, notes or {}
        )


@dataclass(frozen=True, slots=True)
class Measurement:
    """One answer to one metric's question: all samples, never their mean.

    `form` says whether the model was measured as trained or as deployed ("" where that means
    nothing); `settings` is everything the samples depend on beside the model (image size, threads,
    precision); `notes` is evidence in plain JSON (cost by stage, curves, causes of a disagreement);
    which record stands there says `suite.metrics.evidence.records`.
    """

    metric: str
    metric_version: int
    unit: str
    form: Form
    samples: tuple[float, ...]
    settings: Mapping[str, Json] = field(default_factory=dict)
    notes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job has no result: the stage, a stable code (`oom`, `timeout`, `signal-9`, `non-finite`), one line."""

    stage: Stage
    code: str
    message: str
    log_tail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished job hands to its parent; exactly one of `measurements` and `failure` says something."""

    key: str
    measurements: tuple[Measurement, ...]
    failure: Failure | None
    started: str  # ISO 8601, UTC
    seconds: float
    environment: Mapping[str, Json] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()  # paths relative to the store's folder

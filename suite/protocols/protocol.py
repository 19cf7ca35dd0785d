"""The frozen records of a protocol file."""

from dataclasses import asdict, dataclass, field
from typing import Literal, cast

from suite.protocols.budget import Budget, Checkpoints
from suite.protocols.loading import AUTOMATIC, Loading
from suite.protocols.published import Published
from suite.protocols.setups import Setup
from suite.record import Json

MetricFile = Literal["size", "flops", "latency", "accuracy"]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """How much of the built-in data set to make: pictures in each part, their side in pixels, the seed."""

    train: int
    val: int
    size: int
    seed: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What of a trained model's output is scored: boxes above `confidence`, thinned at `iou`, so many a picture.

    `evaluator` computes COCO's numbers: the fast one, which has to equal pycocotools in a run's first evaluation, or
    pycocotools itself.
    """

    confidence: float
    iou: float
    max_detections: int
    evaluator: Literal["fast", "pycocotools"] = "fast"


@dataclass(frozen=True, slots=True)
class Cost:
    """How cost is counted: picture side in pixels; `only` are variants that are counted and timed, not trained."""

    image_size: int
    only: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Latency:
    """How latency is taken.

    `setups` whose device or runtime a machine lacks are left out there, and the run says so. Rounds go on for
    `seconds` at most in each of `replicas` processes, and end when the ratio to the base is known to `half_width`.
    `threads` may be "auto": all cores where a run begins on an idle machine, else one.
    """

    setups: tuple[Setup, ...]
    image_size: int
    batch: int
    threads: "int | Literal['auto']"
    replicas: int
    seconds: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which a job of each kind is killed."""

    static: float
    latency: float
    train: float

    def of(self, kind: Literal["static", "latency", "train"]) -> float:
        """The limit of one kind."""
        return {"static": self.static, "latency": self.latency, "train": self.train}[kind]


@dataclass(frozen=True, slots=True)
class Verdict:
    """When a difference matters and when a variant counts as trained.

    `ap_floor` in AP as a fraction, `latency_floor` as a share; `trains` and `broken` are shares of the base's mean
    AP50, `base_trains` the AP50 below which the base itself has learned nothing.
    """

    ap_floor: float
    latency_floor: float
    trains: float
    broken: float
    base_trains: float


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a run does. `data` is None where the user has to name a data set; `certifies` says what it can tell."""

    name: str
    title: str
    certifies: str
    data: BuiltIn | None
    device: Literal["cpu", "auto"]
    image_size: int
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    recipe: str
    budget: Budget
    evaluation: Evaluation
    metrics: tuple[MetricFile, ...]
    cost: Cost
    latency: Latency
    parallel: int
    timeouts: Timeouts
    verdict: Verdict
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    loading: Loading = AUTOMATIC
    published: Published | None = None

    @property
    def as_json(self) -> dict[str, Json]:
        """The protocol in plain JSON, as runs keep it."""
        facts = cast("dict[str, Json]", asdict(self))
        facts["loading"] = self.loading.as_json
        facts["budget"] = {self.budget.kind: self.budget.amount, "batch": self.budget.batch}
        return facts

"""The frozen records of a protocol file; what they say of their keys is its schema and its documentation."""

from dataclasses import asdict, dataclass
from typing import Literal

from suite.protocols.budget import Budget, Checkpoints
from suite.protocols.limits import MAX_COUNT, MAX_SIDE, WEEK
from suite.protocols.loading import AUTOMATIC, Loading
from suite.protocols.published import Published
from suite.protocols.setups import Setup
from suite.record import Json
from suite.yaml.rules import needed, setting

MetricFile = Literal["size", "flops", "latency", "accuracy"]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """How much of the built-in data set to make."""

    train: int = needed("training pictures", low=1, high=MAX_COUNT)
    val: int = needed("validation pictures", low=1, high=MAX_COUNT)
    size: int = needed("their side in pixels", low=32, high=MAX_SIDE)
    seed: int = needed("what they are drawn from", low=0, high=MAX_COUNT)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What of a trained model's output is scored, and who computes COCO's numbers."""

    confidence: float = needed("boxes above this score", low=0, high=1)
    iou: float = needed("two boxes that overlap more count as one", low=0, high=1)
    max_detections: int = needed("at most so many boxes a picture", low=1, high=30_000)
    evaluator: Literal["fast", "pycocotools"] = setting(
        "fast",
        "who computes COCO's numbers: the fast one, which has to equal pycocotools in a run's "
        "first evaluation, or pycocotools itself",
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """How cost is counted, and of which variants besides those that are trained."""

    image_size: int = needed("side of the picture in pixels", low=1, high=MAX_SIDE)
    only: tuple[str, ...] = setting(
        (),
        "variants that are counted and timed, and not trained",
        members="a member of `only`", least=1, unique=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Latency:
    """How latency is taken: at which set-ups, of which pictures, and until when."""

    setups: tuple[Setup, ...] = needed(
        "`DEVICE-RUNTIME-PRECISION` each, see [runtimes.md](runtimes.md); those whose device or "
        "runtime a machine lacks are left out there, and the run says so",
        members="a set-up", form="setup", least=1, unique=True,
    )  # fmt: skip
    image_size: int = needed("side of the picture in pixels", low=1, high=MAX_SIDE)
    batch: int = needed("pictures at once", low=1, high=65_536)
    threads: "int | Literal['auto']" = needed(
        "threads of the processor; `auto` is all cores where a run begins on an idle machine, else one",
        word="auto", low=1, high=1024,
    )  # fmt: skip
    replicas: int = needed("processes that measure one after the other", low=1, high=100)
    seconds: float = needed("rounds go on for so long at most in each of them", low=0, high=WEEK)
    half_width: float = needed(
        "they end when the ratio to the base is known to this share", low=0, high=1
    )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which a job of each kind is killed."""

    static: float = needed("seconds for counting one variant's cost", low=0, high=WEEK)
    latency: float = needed("seconds for timing one group of variants", low=0, high=WEEK)
    train: float = needed("seconds for one training", low=0, high=WEEK)

    def of(self, kind: Literal["static", "latency", "train"]) -> float:
        """The limit of one kind."""
        return {"static": self.static, "latency": self.latency, "train": self.train}[kind]


@dataclass(frozen=True, slots=True)
class Verdict:
    """When a difference matters and when a variant counts as trained."""

    ap_floor: float = needed(
        "the least difference of AP that matters, as a fraction", low=0, high=1
    )
    latency_floor: float = needed(
        "the least difference of latency that matters, as a share", low=0, high=1
    )
    trains: float = needed(
        "a variant trains from this share of the base's mean AP50 on", low=0, high=1
    )
    broken: float = needed("below this share of it a variant is broken", low=0, high=1)
    base_trains: float = needed(
        "the AP50 below which the base itself has learned nothing", low=0, high=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What a run does. `name` is the file's stem; `data` is None where the user has to name a data set."""

    name: str
    base: str = setting(
        "",
        "the protocol that this one starts from, a name or a file relative to this one: what is stated "
        "here takes the place of what it states, key by key within `budget`, `latency` and so on",
        name=True,
    )
    title: str = needed("what the protocol is, in one line")
    certifies: str = needed("what a run of it can tell, and what not")
    data: BuiltIn | None = setting(
        None, "how much of the built-in data set is made; without it the user names a data set"
    )
    device: Literal["cpu", "auto"] = needed("where networks are trained; `auto` takes a GPU")
    image_size: int = needed("side of the training pictures in pixels", low=1, high=MAX_SIDE)
    variants: tuple[str, ...] = needed(
        "names and globs of those that are trained where a command names none",
        members="a member of `variants`", least=1, unique=True,
    )  # fmt: skip
    seeds: tuple[int, ...] = needed(
        "one training of every variant each",
        members="a seed", least=1, unique=True, low=0, high=MAX_COUNT,
    )  # fmt: skip
    recipe: str = needed("how they are trained: a name, or a file, see [recipes.md](recipes.md)")
    budget: Budget = needed("how long they are trained")
    evaluation: Evaluation = needed("what of a trained model is scored")
    metrics: tuple[MetricFile, ...] = needed(
        "what is measured", members="a metric", least=1, unique=True
    )
    cost: Cost = needed("how cost is counted")
    latency: Latency = needed("how latency is taken")
    parallel: int = needed("jobs at once that are not timed", low=1, high=1024)
    timeouts: Timeouts = needed("when a job is killed")
    verdict: Verdict = needed("when a difference matters, and when a variant counts as trained")
    checkpoints: Checkpoints = setting(Checkpoints(), "how often a training can be resumed from")
    loading: Loading = setting(AUTOMATIC, "how training pictures come to the network")
    published: Published | None = setting(
        None, "what others published of these variants, so that a run can reproduce it"
    )

    @property
    def as_json(self) -> dict[str, Json]:
        """The protocol in plain JSON, as runs keep it."""
        facts: dict[str, Json] = asdict(self)
        del facts["base"]  # what it stands for has been put in
        facts["loading"] = self.loading.as_json
        facts["budget"] = {self.budget.kind: self.budget.amount, "batch": self.budget.batch}
        return facts

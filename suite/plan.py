"""What a run has to do: variants × questions × seeds become jobs, each with the key its outcome is stored under."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from suite.datasets.split import USUAL, Reading
from suite.protocols import Protocol, Setup
from suite.protocols.setups import EAGER, offer_of
from suite.record import JobKind, Json, Metric, digest, file_digest
from suite.sources import code_digest
from suite.spec.records.variant import Variant
from suite.spec.solve.anchors import require_sizes
from suite.spec.userblocks import imported_modules
from suite.store import JobRecord, VariantRecord
from suite.train.recipe import Recipe
from suite.yaml.errors import SpecError

_GROUPS: dict[JobKind, tuple[str, ...]] = {
    "static": ("size", "compute"),
    "latency": ("latency",),
    "train": ("accuracy", "training"),
}
_LIBRARIES: dict[JobKind, tuple[str, ...]] = {
    "static": ("torch", "fvcore", "thop"),
    "latency": ("torch",),
    "train": ("torch", "torchvision", "pycocotools"),
}


@dataclass(frozen=True, slots=True)
class Data:
    """The data set of a run: its folder, the hash of its content, the names of its classes, and how it is read."""

    folder: Path
    fingerprint: str
    classes: tuple[str, ...]
    reading: Reading = USUAL


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all jobs of a run have in common.

    `machine` is what `suite.machine.describe` gives, `metrics` those of `suite.metrics.definitions`.
    """

    protocol: Protocol
    recipe: Recipe
    data: Data
    machine: Mapping[str, Json]
    metrics: tuple[Metric, ...]
    out: Path

    @property
    def train_device(self) -> str:
        """Where training happens."""
        return "cuda" if self.protocol.device == "auto" and self.machine["gpus"] else "cpu"

    @property
    def recipe_json(self) -> dict[str, Json]:
        """Everything of the recipe but what it is called."""
        facts: dict[str, Json] = asdict(self.recipe)
        return {key: value for key, value in facts.items() if key not in {"name", "title"}}

    @property
    def setups(self) -> tuple[Setup, ...]:
        """The protocol's set-ups that this machine can time."""
        return tuple(
            setup for setup in self.protocol.latency.setups if str(setup) not in self.not_here
        )

    @property
    def not_here(self) -> dict[str, str]:
        """The protocol's set-ups that this machine cannot time, and what it would take."""
        lacks = {setup: self._lack(setup) for setup in self.protocol.latency.setups}
        return {str(setup): lack for setup, lack in lacks.items() if lack}

    def _lack(self, setup: Setup) -> str:
        if setup.device == "cuda" and not self.machine["gpus"]:
            return "no GPU here"
        return offer_of(setup.runtime).lacking


@dataclass(frozen=True, slots=True)
class Job:
    """One job; picklable, as it travels to a child process.

    `baseline` is None where the variant is a baseline itself. `seed` belongs to training, `replica` and `setup`
    to latency; `weights_sha256` is the content of the weights that a training starts from.
    `proof` is the file that says that in this run the fast evaluator and pycocotools agreed; the first evaluation,
    which finds none, compares the two and writes it.
    """

    key: str
    kind: JobKind
    variant: Variant
    baseline: Variant | None
    conditions: Conditions
    seed: int | None = None
    replica: int | None = None
    setup: Setup | None = None
    weights_sha256: str = ""
    proof: Path | None = None

    @property
    def record(self) -> JobRecord:
        """The job as the store keeps it."""
        return JobRecord(
            self.key,
            self.kind,
            self.variant.name,
            self.variant.fingerprint,
            seed=self.seed,
            replica=self.replica,
        )

    @property
    def label(self) -> str:
        """A name for people and for log files."""
        parts = [self.kind, self.variant.name]
        if self.setup is not None:
            parts.append(str(self.setup))
        if self.seed is not None:
            parts.append(f"seed{self.seed}")
        if self.replica is not None:
            parts.append(str(self.replica))
        return "-".join(parts)


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs in the order they should start, and the variants, baselines before what refers to them."""

    conditions: Conditions
    variants: tuple[Variant, ...]
    jobs: tuple[Job, ...]


def plan(
    conditions: Conditions,
    trained: Sequence[Variant],
    counted: Sequence[Variant],
    load: Callable[[str], Variant],
) -> Plan:
    """Lay out a run.

    Static jobs come first, because they find most mistakes in seconds; then latency, then training. A key depends on
    nothing but what can change the outcome: neither on a title, nor on the order, nor on who else takes part.

    Args:
        conditions: what the jobs share.
        trained: variants to count, time and train; the baselines that they lack are added.
        counted: variants that are counted and timed only, likewise.
        load: finds a baseline by name.

    Raises:
        SpecError: the weights that a variant starts from are not there, or its anchors are placeholders.
    """
    first = _with_baselines(trained, load)
    variants = _with_baselines((*first, *counted), load)
    known = {variant.name: variant for variant in variants}
    planner = _Planner(conditions, known)
    wanted = conditions.protocol.metrics
    jobs = [planner.static(variant) for variant in variants]
    if "latency" in wanted:
        jobs += [job for variant in variants for job in planner.latency(variant)]
    if "accuracy" in wanted:
        jobs += [
            planner.train(variant, seed) for seed in conditions.protocol.seeds for variant in first
        ]
    return Plan(conditions, variants, tuple(jobs))


def variant_record(variant: Variant) -> VariantRecord:
    """The variant as the store keeps it."""
    spec = variant.architecture
    if variant.rung:
        spec = {**spec, "ladder": asdict(variant.rung)}
    return VariantRecord(
        name=variant.name,
        title=variant.title,
        paper=variant.paper,
        base=variant.base,
        baseline=variant.baseline,
        control=variant.control,
        fingerprint=variant.fingerprint,
        spec=spec,
    )


def _with_baselines(
    variants: Iterable[Variant], load: Callable[[str], Variant]
) -> tuple[Variant, ...]:
    ordered: dict[str, Variant] = {}
    given = {variant.name: variant for variant in variants}

    def add(variant: Variant) -> None:
        if variant.baseline and variant.baseline not in ordered:
            add(given.get(variant.baseline) or load(variant.baseline))
        ordered.setdefault(variant.name, variant)

    for variant in given.values():
        add(variant)
    return tuple(ordered.values())


@dataclass(frozen=True, slots=True)
class _Planner:
    conditions: Conditions
    variants: Mapping[str, Variant]
    digests: dict[str, str] = field(default_factory=dict)  # of weights files

    def static(self, variant: Variant) -> Job:
        baseline = self._baseline(variant)
        expect = variant.expect
        facts: dict[str, Json] = {
            "baseline": baseline.fingerprint if baseline else "",
            "expect": [list(expect.strides or ()), expect.params, expect.gmacs],
            "classes": len(self.conditions.data.classes),
            "image_size": self.conditions.protocol.cost.image_size,
        }
        return Job(
            self._key("static", (variant,), facts), "static", variant, baseline, self.conditions
        )

    def latency(self, variant: Variant) -> list[Job]:
        """A baseline is timed against itself: that gives its own latency, and shows what a ratio of 1 looks like."""
        baseline = self._baseline(variant)
        settings = asdict(self.conditions.protocol.latency)
        shared = {key: settings[key] for key in settings if key not in {"setups", "replicas"}}
        jobs = []
        for setup in self.conditions.setups:
            runtime = setup.runtime.partition("+")[0]
            for replica in range(self.conditions.protocol.latency.replicas):
                facts: dict[str, Json] = {
                    **shared,
                    "baseline": (baseline or variant).fingerprint,
                    "classes": len(self.conditions.data.classes),
                    "setup": str(setup),
                    "replica": replica,
                    "machine": self.conditions.machine["class"],
                }
                if setup.precision == "int8":
                    facts["weight_bits"] = self.conditions.machine["int8_weight_bits"]
                key = self._key("latency", (variant, baseline or variant), facts, runtime=runtime)
                job = Job(
                    key, "latency", variant, baseline, self.conditions, replica=replica, setup=setup
                )
                jobs.append(job)
        return jobs

    def train(self, variant: Variant, seed: int) -> Job:
        require_sizes(variant)
        protocol = self.conditions.protocol
        facts: dict[str, Json] = {
            "data": self.conditions.data.fingerprint,
            "seed": seed,
            "recipe": self.conditions.recipe_json,
            "budget": [protocol.budget.kind, protocol.budget.amount, protocol.budget.batch],
            "evaluation": asdict(protocol.evaluation),
            "image_size": protocol.image_size,
            "device": self.conditions.train_device,
            # they decide what each layer starts from
            "roles": [layer.role for layer in variant.layers],
        }
        weights = self._weights(variant)
        if weights:
            facts["weights"] = weights
        # how pictures are loaded changes nothing, unless one breaks and another may take its place
        if protocol.loading.broken_pictures == "skip":
            facts["broken_pictures"] = "skip"
        key = self._key("train", (variant,), facts)
        baseline = self._baseline(variant)
        return Job(
            key, "train", variant, baseline, self.conditions, seed=seed, weights_sha256=weights
        )

    def _weights(self, variant: Variant) -> str:
        """The hash of the file that a variant starts from; the same weights are the same whatever they are called."""
        path = variant.weights
        if not path:
            return ""
        if path not in self.digests:
            if not Path(path).is_file():
                hint = "weights are files of this machine and never downloaded"
                message = f"{variant.name}: no weights file {path}"
                raise SpecError.single(variant.mark, "E006", message, hint=hint)
            self.digests[path] = file_digest(Path(path))
        return self.digests[path]

    def _baseline(self, variant: Variant) -> Variant | None:
        return self.variants[variant.baseline] if variant.baseline else None

    def _key(
        self,
        kind: JobKind,
        variants: tuple[Variant, ...],
        facts: Mapping[str, Json],
        *,
        runtime: str = "",
    ) -> str:
        libraries = self.conditions.machine["libraries"]
        assert isinstance(libraries, dict)
        needed = (*_LIBRARIES[kind], *(offer_of(runtime).modules if runtime else ()))
        code = [
            f"suite.jobs.{kind}",
            *(f"suite.runtimes.{name}" for name in {EAGER, runtime} if runtime),
        ]
        return digest(
            {
                "kind": kind,
                "variant": variants[0].fingerprint,
                "metrics": {
                    m.name: m.version for m in self.conditions.metrics if m.group in _GROUPS[kind]
                },
                "libraries": {name: libraries.get(name) for name in needed},
                "code": code_digest([*code, *(m for v in variants for m in _block_modules(v))]),
                **facts,
            }
        )


def _block_modules(variant: Variant) -> set[str]:
    """The modules that the variant's blocks, operators and head live in, and those that a user's own files import."""
    blocks = {layer.block for layer in variant.layers if layer.part != "head"}
    heads = {layer.block for layer in variant.layers if layer.part == "head"}
    operators = {edit.operator for edit in variant.conv_edits}
    return {
        *(f"suite.nn.blocks.{address.partition('.')[0]}" for address in blocks | operators),
        *(f"suite.nn.heads.{address.partition('.')[0]}" for address in heads),
        *(module for file in variant.used_blocks for module in imported_modules(file.source)),
    }

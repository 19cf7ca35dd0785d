"""A recipe: every training setting of a run, read from `recipes/NAME.yaml` or a file of one's own, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from suite.datasets.augment.settings import Augment, bounded
from suite.yaml.document import Node, Table, parse, read_bytes, shown_path
from suite.yaml.errors import Problems, SpecError, suggest
from suite.yaml.reader import Reader

RECIPES = Path(__file__).parent / "recipes"

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """`momentum` is the first beta of Adam and AdamW; decay acts on weights alone, never on biases and norms.

    With a `nominal_batch` gradients are accumulated over as many batches as make it up, and the decay is scaled by
    what they really make up. `layer_decay` is what the rate is multiplied by for each stage of the backbone, counted
    from its last.
    """

    kind: Literal["sgd", "adam", "adamw"] = "sgd"
    rate: float = bounded(0.01, 0, 10)
    momentum: float = bounded(0.937, 0, 1)
    second_momentum: float = bounded(0.999, 0, 1)
    decay: float = bounded(0.0005, 0, 1)
    layer_decay: float = bounded(1.0, 0.01, 1)
    clip: float = bounded(10.0, 0, 1e6)
    nominal_batch: int = bounded(0, 0, 65536)


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """The rate falls to `final` times itself. Warm-up takes `warmup_share` of the run, at least `warmup_steps`."""

    shape: Literal["linear", "cosine"] = "linear"
    final: float = bounded(0.01, 0, 1)
    warmup_steps: int = bounded(100, 0, 1_000_000)
    warmup_share: float = bounded(0.01, 0, 1)
    warmup_bias_rate: float = bounded(0.1, 0, 10)
    warmup_momentum: float = bounded(0.8, 0, 1)


@dataclass(frozen=True, slots=True)
class EmaSettings:
    """Average of the weights: decay d(u) = decay·(1 − e^(−u/ramp)) at update u, or plain `decay` where ramp is 0."""

    decay: float = bounded(0.9999, 0, 1)
    ramp: float = bounded(2000.0, 0, 1e6)


@dataclass(frozen=True, slots=True)
class LossSettings:
    """Gains and options of YOLOv5's loss; `scale_gains` makes of the gains what YOLOv5 makes of them."""

    box: float = bounded(0.05, 0, 1e3)
    objectness: float = bounded(1.0, 0, 1e3)
    classes: float = bounded(0.5, 0, 1e3)
    scale_gains: bool = True
    objectness_positive_weight: float = bounded(1.0, 0, 1e3)
    classes_positive_weight: float = bounded(1.0, 0, 1e3)
    anchor_threshold: float = bounded(4.0, 1, 100)
    focal_gamma: float = bounded(0.0, 0, 10)
    label_smoothing: float = bounded(0.0, 0, 1)
    autobalance: bool = False

    def scaled(self, *, classes: int, levels: int, image_size: int) -> "LossSettings":
        """The final gains: YOLOv5 means its recipes for 80 classes, 3 levels and 640 pixels and scales from there."""
        if not self.scale_gains:
            return self
        per_level = 3 / levels
        return replace(
            self,
            box=self.box * per_level,
            objectness=self.objectness * per_level * (image_size / 640) ** 2,
            classes=self.classes * per_level * classes / 80,
            scale_gains=False,
        )


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained. Steps, batch, image size and seeds are the protocol's.

    With `image_weights` pictures of rare classes are shown more often; with `rect` pictures of like shapes make up a
    batch of that shape, always the same ones in the same order. `compile` hands the network to torch.compile;
    `checkpointing` keeps only each layer's input for the backward pass and computes the rest again; `deterministic`
    asks an accelerator for the same bits twice, which the CPU gives always. The averaged model is evaluated after every
    `evaluate_every` steps, and training ends when so many evaluations as `patience` says have found none better.
    """

    name: str
    title: str
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    ema: EmaSettings = field(default_factory=EmaSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    augment: Augment = field(default_factory=Augment)
    image_weights: bool = False
    rect: bool = False
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    compile: bool = False
    checkpointing: bool = False
    deterministic: bool = False
    evaluate_every: int = bounded(0, 0, 100_000_000)
    patience: int = bounded(0, 0, 1_000_000)


def recipe(name_or_path: str | Path) -> Recipe:
    """Read a recipe: a shipped one by name, or a YAML file.

    Raises:
        SpecError: there is no such recipe, or a key or value in it is wrong; every problem is listed.
    """
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        shipped = {file.stem: file for file in RECIPES.glob("*.yaml")}
        if str(name_or_path) not in shipped:
            hint = suggest(str(name_or_path), shipped)
            raise SpecError.single(None, "E201", f"no recipe '{name_or_path}'", hint=hint)
        path = shipped[str(name_or_path)]
    file = shown_path(path)
    text = read_bytes(path).decode("utf-8", errors="replace")
    problems = Problems({file: text.splitlines()})
    root = parse(text, file, problems)
    made = _decode(root, Recipe, Reader(problems), "a recipe", {"name": path.stem})
    problems.raise_if_any()
    assert made is not None
    assert isinstance(root, Table)
    _require_sense(made, root, problems)
    problems.raise_if_any()
    return made


def _require_sense(made: Recipe, root: Table, problems: Problems) -> None:
    """Add the settings that cannot be carried out together to the problems."""
    for other, said in (("mosaic", made.augment.mosaic), ("image_weights", made.image_weights)):
        if made.rect and said:  # YOLOv5 leaves one of the two out without a word
            problems.add(
                root.keys["rect"],
                "E105",
                f"`rect` and `{other}` exclude each other",
                f"leave `{other}` out",
            )
    if made.compile and made.checkpointing:
        message = "`compile` and `checkpointing` exclude each other"
        problems.add(root.keys["compile"], "E105", message, "leave `checkpointing` out")
    if made.patience and not made.evaluate_every:
        message = "`patience` counts evaluations, of which there are none"
        problems.add(
            root.keys["patience"],
            "E105",
            message,
            "state `evaluate_every` in steps, or leave it out",
        )


def _decode(
    node: Node, kind: type[Settings], reader: Reader, what: str, given: Mapping[str, object]
) -> Settings | None:
    """A mapping as the dataclass `kind`: its fields are the keys, their types, bounds and defaults the rules."""
    types = get_type_hints(kind)
    rules = {rule.name: rule for rule in fields(kind) if rule.name not in given}  # type: ignore[arg-type]
    table = reader.table(node, what, rules)
    if table is None:
        return None
    values: dict[str, Any] = dict(given)
    for name, rule in rules.items():
        if name in table.entries:
            values[name] = _value(table.entries[name], types[name], reader, name, rule.metadata)
    if "title" in rules and "title" not in table.entries:
        reader.problems.add(
            table.mark, "E103", "missing key 'title'", "say what the recipe is for in one line"
        )
        values["title"] = ""
    return kind(**values)


def _value(node: Node, kind: Any, reader: Reader, name: str, bounds: Mapping[str, float]) -> object:
    if kind is float:
        return reader.number(node, name, low=bounds["low"], high=bounds["high"])
    if kind is int:
        return reader.whole(node, name, low=int(bounds["low"]), high=int(bounds["high"]))
    if kind is bool:
        return reader.flag(node, name)
    if kind is str:
        return reader.text(node, name)
    if get_args(kind):
        return reader.choice(node, name, get_args(kind))
    return _decode(node, kind, reader, name, {})

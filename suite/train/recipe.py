"""A recipe: every training setting of a run, read from `recipes/NAME.yaml` or a file of one's own, without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from suite.datasets.augment.settings import Augment, bounded
from suite.yaml.document import Table, parse, read_bytes, shown_path
from suite.yaml.errors import Problems, SpecError, suggest
from suite.yaml.reader import Reader
from suite.yaml.records import Check, Decoder, Entries
from suite.yaml.rules import needed, setting

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """How weights move. Decay acts on weights alone, never on biases and norms."""

    kind: Literal["sgd", "adam", "adamw"] = setting(
        "sgd",
        "SGD has Nesterov's momentum. Adam adds the decay to the gradient, AdamW takes it off the "
        "weights",
    )
    rate: float = bounded(0.01, 0, 10, "the largest learning rate")
    momentum: float = bounded(0.937, 0, 1, "of SGD; the first beta of Adam and AdamW")
    second_momentum: float = bounded(0.999, 0, 1, "the second beta")
    decay: float = bounded(
        0.0005, 0, 1, "of weights and bare parameters; biases and weights of norms never decay"
    )
    layer_decay: float = bounded(
        1.0, 0.01, 1,
        "what the rate is multiplied by for each stage of the backbone, counted from its last; "
        "neck and head learn at the full rate. A layer with outputs of several stages, such as a "
        "backbone of timm, counts as the last of them. 1 is off",
    )  # fmt: skip
    clip: float = bounded(10.0, 0, 1e6, "the largest norm of the gradient of all parameters")
    nominal_batch: int = bounded(
        0, 0, 65536,
        "gradients of several batches are added until they make up this many images, and the "
        "decay is scaled by what they really make up; YOLOv5's is 64. 0 moves the weights after "
        "every batch",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """How rate and momentum change over the run: a warm-up, then the rate falls to `final` times itself."""

    shape: Literal["linear", "cosine"] = setting("linear", "how the rate falls")
    final: float = bounded(0.01, 0, 1, "to this share of itself")
    warmup_steps: int = bounded(100, 0, 1_000_000, "the least number of steps of the warm-up")
    warmup_share: float = bounded(
        0.01, 0, 1, "the share of the run that is warm-up; YOLOv5's 3 epochs of 300 are 0.01"
    )
    warmup_bias_rate: float = bounded(
        0.1, 0, 10, "the rate that biases start from; all others start from 0"
    )
    warmup_momentum: float = bounded(0.8, 0, 1, "the momentum that the warm-up starts from")


@dataclass(frozen=True, slots=True)
class EmaSettings:
    """Average of the weights: decay d(u) = decay·(1 − e^(−u/ramp)) at update u, or `decay` where ramp is 0."""

    decay: float = bounded(0.9999, 0, 1, "share of the average that an update keeps, in the end")
    ramp: float = bounded(
        2000.0, 0, 1e6,
        "the u-th update keeps decay × (1 − e^(−u / ramp)); 0 keeps `decay` from the first",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LossSettings:
    """Gains and options of YOLOv5's loss; `scale_gains` makes of the gains what YOLOv5 makes of them."""

    box: float = bounded(0.05, 0, 1e3, "gain of the boxes")
    objectness: float = bounded(1.0, 0, 1e3, "gain of the objectness")
    classes: float = bounded(0.5, 0, 1e3, "gain of the classes")
    scale_gains: bool = setting(
        True,
        "the gains are meant for 80 classes, 3 levels and 640 pixels, and are scaled from there",
    )
    objectness_positive_weight: float = bounded(
        1.0, 0, 1e3, "weight of the cells that hold an object"
    )
    classes_positive_weight: float = bounded(1.0, 0, 1e3, "weight of an object's own class")
    anchor_threshold: float = bounded(
        4.0, 1, 100,
        "an anchor is trained on boxes up to this many times larger or smaller, side by side",
    )  # fmt: skip
    focal_gamma: float = bounded(0.0, 0, 10, "of the focal loss; 0 is the plain one")
    label_smoothing: float = bounded(0.0, 0, 1, "ε: classes learn 1 − ε/2 and ε/2")
    autobalance: bool = setting(False, "let the weights of the levels follow their losses")

    def scaled(self, *, classes: int, levels: int, image_size: int) -> "LossSettings":
        """The final gains: YOLOv5 means its recipes for 80 classes, 3 levels and 640 pixels."""
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
    """How a model is trained. Steps, batch, image size and seeds are the protocol's. `name` is the file's stem."""

    name: str
    title: str = needed("what the recipe is for, in one line; the only key that must be there")
    optimizer: OptimizerSettings = setting(OptimizerSettings(), "how weights move")
    schedule: ScheduleSettings = setting(
        ScheduleSettings(), "how rate and momentum change over the run"
    )
    ema: EmaSettings = setting(
        EmaSettings(), "the average of the weights, which is what is evaluated and kept"
    )
    loss: LossSettings = setting(LossSettings(), "gains and options of the loss")
    augment: Augment = setting(Augment(), "what becomes of training pictures")
    image_weights: bool = setting(
        False,
        "draw pictures by the weights of their classes, rare ones more often, in the place of each "
        "once an epoch. YOLOv5 weighs by the model's present error too, which would show every "
        "variant other pictures",
    )
    rect: bool = setting(
        False,
        "batches of pictures of like shapes, as high and wide as those need, from wide to tall and "
        "in the same order every epoch. YOLOv5 turns mosaics off without a word; here `mosaic` and "
        "`image_weights` beside it are errors",
    )
    precision: Literal["fp32", "bf16", "fp16"] = setting(
        "fp32", "arithmetic of the network; fp16 scales its loss"
    )
    compile: bool = setting(False, "hand the network to torch.compile")
    checkpointing: bool = setting(
        False,
        "keep only each layer's input for the backward pass: less memory, a third more arithmetic",
    )
    deterministic: bool = setting(
        False,
        "ask an accelerator for the same bits twice; the CPU gives them always",
    )
    evaluate_every: int = bounded(
        0, 0, 100_000_000,
        "evaluate the average after every so many steps; 0 is only at the end",
    )  # fmt: skip
    patience: int = bounded(
        0, 0, 1_000_000, "end when so many evaluations have found none better; 0 is never"
    )


def recipe(name_or_path: str | Path) -> Recipe:
    """Read a recipe: a shipped one by name, or a YAML file.

    Raises:
        SpecError: there is no such recipe, or a key or value in it is wrong; every problem is listed.

    Example:
        >>> recipe("scratch-low").optimizer.rate
        0.01
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
    decoder = RecipeDecoder(Reader(problems))
    made = decoder.record(Recipe, root, "a recipe", name=path.stem)
    problems.raise_if_any()
    assert made is not None, "a file without a problem has a record"
    return made


def _check_sense(made: Entries) -> None:
    """Report the settings that cannot be carried out together."""
    values = made.values
    augment: Augment = values.get("augment", Augment())
    others = {"mosaic": augment.mosaic, "image_weights": values.get("image_weights")}
    for other, stated in others.items():
        if values.get("rect") and stated:  # YOLOv5 leaves one of the two out without a word
            message = f"`rect` and `{other}` exclude each other"
            made.report("rect", "E105", message, f"leave `{other}` out")
    if values.get("compile") and values.get("checkpointing"):
        message = "`compile` and `checkpointing` exclude each other"
        made.report("compile", "E105", message, "leave `checkpointing` out")
    if values.get("patience") and not values.get("evaluate_every"):
        message = "`patience` counts evaluations, of which there are none"
        hint = "state `evaluate_every` in steps, or leave it out"
        made.report("patience", "E105", message, hint)


class RecipeDecoder(Decoder):
    """Decodes recipes; their messages name a key without ticks."""

    checks: ClassVar[Mapping[type[Any], Check]] = {Recipe: Check(_check_sense)}
    ticks: ClassVar[str] = ""

    def report_missing(self, table: Table, called: str, keys: Sequence[str]) -> None:  # noqa: ARG002
        """Say that a recipe has no title, which is all that it must have."""
        hint = "say what the recipe is for in one line"
        for key in keys:
            self.reader.problems.add(table.mark, "E103", f"missing key {key!r}", hint)

"""`train`: one variant, outside any protocol and store; for trying things."""

from dataclasses import replace
from pathlib import Path

import click

from suite.cli.datasets import refusing_data
from suite.cli.finals import final
from suite.cli.options import (
    allow_code_option,
    json_option,
    name_argument,
    open_library,
    variants_option,
    weights_option,
)
from suite.cli.output import ExitCode, Refusal, reply, say
from suite.jobs import JobError
from suite.record import Json, Stage, describe_start
from suite.train.recipe import recipe


@click.command("train")
@name_argument
@variants_option
@allow_code_option
@weights_option
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="A data set: COCO JSON, YOLO txt or Pascal VOC; without it the built-in one.",
)
@click.option("--steps", type=click.IntRange(1), default=600, show_default=True)
@click.option("--batch", type=click.IntRange(1), default=8, show_default=True)
@click.option("--imgsz", type=click.IntRange(32), default=128, show_default=True, help="Side of the images in pixels.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--recipe", "recipe_name", default="tiny", show_default=True, metavar="NAME", help="Or a file.")
@click.option("--device", default="cpu", show_default=True)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The checkpoint, NAME.safetensors by default; its facts go beside it.",
)
@json_option
def command(
    name: str,
    variants: tuple[Path, ...],
    data: Path | None,
    out: Path | None,
    *,
    weights: Path | None,
    allow_code: bool,
    steps: int,
    batch: int,
    imgsz: int,
    seed: int,
    recipe_name: str,
    device: str,
    as_json: bool,
) -> int:
    """Train one variant, evaluate it and write its checkpoint, without touching the store."""
    library = open_library(variants, allow_code=allow_code)
    variant = final(library.load(name), library)
    if weights:
        variant = replace(variant, weights=str(weights.absolute()))
    chosen = recipe(recipe_name)
    from suite.datasets.shapes import ensure
    from suite.jobs.train import Lesson, teach
    from suite.nn.weights import save_checkpoint

    try:
        with refusing_data():
            folder = data or ensure(Path("out/data/shapes-128px-1000-200-seed0"))
            lesson = Lesson(
                variant, folder, chosen, image_size=imgsz, batch=batch, steps=steps, seed=seed, device=device
            )
            taught = teach(lesson, _Teller(quiet=as_json))
    except JobError as error:
        raise Refusal(ExitCode.VARIANT_FAILED, f"{variant.name}: {error}") from error
    path = save_checkpoint(out or Path(f"{variant.name}.safetensors"), taught.trained.ema_model, taught.facts)
    measured = taught.evaluation.measurements
    numbers: dict[str, Json] = {m.metric: m.samples[0] for m in measured if m.metric != "detections" and m.samples}
    seconds = round(taught.trained.seconds, 1)
    start = taught.facts["start"]
    if as_json:
        reply("train", {"checkpoint": str(path), "seconds": seconds, "start": start, "accuracy": numbers})
        return ExitCode.DONE
    began = describe_start(start, seed)
    click.echo(f"AP {numbers.get('ap', 0):.3f}, AP50 {numbers.get('ap50', 0):.3f} after {seconds:g} s {began}")
    click.echo(f"checkpoint: {path}")
    return ExitCode.DONE


class _Teller:
    """Says on stderr how far the training is."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def stage(self, stage: Stage) -> None:
        """What comes now."""
        self._say(f"{stage} ...")

    def progress(self, done: int, total: int) -> None:
        """Every fiftieth step."""
        if done % 50 == 0 or done == total:
            self._say(f"[{done}/{total}]")

    def _say(self, line: str) -> None:
        if not self._quiet:
            say(line)

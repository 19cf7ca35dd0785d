"""`cost --memory`, `cost --fit`: what a pass and a training step need, and the largest batch that a budget allows."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from suite.cli.errors import print_problems, problem_json
from suite.cli.library import final
from suite.cli.output import ExitCode, reply, say, table
from suite.record import Json
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.train.recipe import Recipe, recipe
from suite.yaml.errors import Problem, SpecError

if TYPE_CHECKING:
    from suite.metrics.cost.forms import Forms
    from suite.metrics.cost.memory import Estimate

Command = TypeVar("Command", bound=Callable[..., Any])
What = Literal["inference", "training"]
_KINDS: tuple[What, ...] = ("inference", "training")
_MIB = 2**20
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_COLUMNS = ("NAME", "WHAT", "BATCH", "WEIGHTS", "STATE", "MAPS", "TOTAL")
_TIMEOUT = 1800.0  # seconds for one measurement


def read_size(text: str) -> int:
    """The bytes that a text such as 8GiB, 500MB or 16G means.

    Raises:
        click.BadParameter: it is no size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]I?|)B?", text.upper())
    if found is None:
        raise click.BadParameter(f"{text!r} is no size; write one such as 8GiB or 500MB")
    return int(float(found[1]) * _UNITS[found[2]])


def _size(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    return None if text is None else read_size(text)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the options ask for; `budget` is None where the batch is given."""

    image_size: int
    classes: int
    batch: int
    precision: Literal["fp32", "bf16", "fp16"]
    device: str
    recipe: Recipe
    budget: int | None
    measured: bool


@dataclass(frozen=True, slots=True)
class Need:
    """What one variant needs for one kind of work; a batch of 0 says that not even the smallest fits."""

    name: str
    what: What
    batch: int
    estimate: "Estimate | None"
    measured: int | None
    trouble: str = ""


def memory_options(function: Command) -> Command:
    """The options of this file."""
    options = (
        click.option(
            "--memory", is_flag=True, help="What a pass and a training step need, in MiB, instead."
        ),
        click.option(
            "--fit",
            callback=_size,
            metavar="SIZE",
            help="The largest batch that SIZE allows, such as 8GiB.",
        ),
        click.option(
            "--measure",
            is_flag=True,
            help="Measure what --memory or --fit says in a fresh process, too.",
        ),
        click.option(
            "--batch", type=click.IntRange(1), default=1, show_default=True, help="For --memory."
        ),
        click.option(
            "--precision",
            type=click.Choice(["fp32", "bf16", "fp16"]),
            default="fp32",
            show_default=True,
        ),
        click.option("--device", default="cpu", show_default=True, help="Where --measure runs."),
        click.option(
            "--recipe",
            "recipe_name",
            default="scratch-low",
            show_default=True,
            help="Of the training step.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def wish_of(options: dict[str, Any], *, image_size: int, classes: int) -> Wish | None:
    """What was asked for; None where it was not memory."""
    if not options["memory"] and options["fit"] is None:
        return None
    return Wish(
        image_size,
        classes,
        options["batch"],
        options["precision"],
        options["device"],
        recipe(options["recipe_name"]),
        options["fit"],
        options["measure"],
    )


def say_memory(chosen: Sequence[Variant], library: Library, wish: Wish, *, as_json: bool) -> int:
    """Print what each variant needs; the command's exit code."""
    needs: list[Need] = []
    problems: list[Problem] = []
    for variant in chosen:
        try:
            needs += _needs(final(variant, library), wish)
        except SpecError as error:
            problems += error.problems
    if as_json:
        reply("cost", _document(needs, wish), [problem_json(problem) for problem in problems])
    else:
        _print(needs, wish)
        print_problems(problems)
    if problems:
        return ExitCode.USAGE
    return ExitCode.VARIANT_FAILED if any(need.trouble for need in needs) else ExitCode.DONE


def _needs(variant: Variant, wish: Wish) -> list[Need]:
    from suite.metrics.cost.forms import build_forms

    forms = build_forms(variant, wish.classes)
    return [_need(variant, forms, what, wish) for what in _KINDS]


def _need(variant: Variant, forms: "Forms", what: What, wish: Wish) -> Need:
    from suite.metrics.cost.memory import inference, largest_batch, training

    def estimated(batch: int) -> "Estimate":
        if what == "inference":
            return inference(forms, wish.image_size, batch, wish.precision)
        return training(
            forms, wish.image_size, batch, wish.precision, optimizer=wish.recipe.optimizer.kind
        )

    batch = wish.batch
    if wish.budget is not None:
        # a norm in training wants several values a channel, which one small picture need not have
        batch = largest_batch(
            lambda b: estimated(b).total, wish.budget, start=1 if what == "inference" else 2
        )
    if batch == 0:
        return Need(variant.name, what, 0, None, None)
    estimate = estimated(batch)
    if not wish.measured:
        return Need(variant.name, what, batch, estimate, None)
    return _measured(variant, what, batch, estimate, wish)


def _measured(variant: Variant, what: What, batch: int, estimate: "Estimate", wish: Wish) -> Need:
    """The need with a measurement; weights are added to it, as it starts from the loaded network."""
    from suite.jobs.footprint import FootprintError, Question, measure

    question = Question(
        variant,
        what,
        wish.recipe,
        image_size=wish.image_size,
        batch=batch,
        classes=wish.classes,
        precision=wish.precision,
        device=wish.device,
    )
    say(f"measuring {what} of {variant.name}, batch {batch} ...")
    try:
        found = measure(question, timeout=_TIMEOUT)
    except FootprintError as error:
        say(str(error))
        return Need(variant.name, what, batch, estimate, None, str(error))
    beside = found.host if found.device is None else found.device
    return Need(variant.name, what, batch, estimate, beside + estimate.weights)


def _print(needs: Sequence[Need], wish: Wish) -> None:
    table(
        [*_COLUMNS, *(["MEASURED"] if wish.measured else [])], [_row(need, wish) for need in needs]
    )


def _row(need: Need, wish: Wish) -> list[object]:
    found = need.estimate
    sizes = [found.weights, found.state, found.maps, found.total] if found else [None] * 4
    row: list[object] = [need.name, need.what, need.batch]
    row += [None if size is None else round(size / _MIB, 1) for size in sizes]
    if wish.measured:
        row.append(None if need.measured is None else round(need.measured / _MIB, 1))
    return row


def _document(needs: Sequence[Need], wish: Wish) -> Json:
    rows: list[Json] = []
    for need in needs:
        found = need.estimate
        estimate: dict[str, Json] | None = None
        if found:
            estimate = {
                "weights": found.weights,
                "state": found.state,
                "maps": found.maps,
                "total": found.total,
            }
        row: dict[str, Json] = {
            "name": need.name,
            "what": need.what,
            "batch": need.batch,
            "estimate": estimate,
        }
        rows.append(row | {"measured": need.measured, "trouble": need.trouble})
    return {
        "image_size": wish.image_size,
        "classes": wish.classes,
        "precision": wish.precision,
        "device": wish.device,
        "recipe": wish.recipe.name,
        "budget": wish.budget,
        "unit": "bytes",
        "needs": rows,
    }

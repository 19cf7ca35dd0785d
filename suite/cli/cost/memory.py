"""`cost --memory`, `cost --fit`: what a pass and a training step need, and the largest batch that a budget allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from suite.cli.cost.options import CostOptions
from suite.cli.errors import print_problems, problem_json
from suite.cli.library import final
from suite.cli.output import ExitCode, reply, say, table
from suite.jobs.footprint import FootprintError, Question, measure
from suite.metrics.cost.forms import Forms, build_forms
from suite.metrics.cost.memory import Estimate, inference, largest_batch, training
from suite.record import Json
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.train.recipe import Recipe, recipe
from suite.yaml.errors import Problem, SpecError

What: TypeAlias = Literal["inference", "training"]
_KINDS: tuple[What, ...] = ("inference", "training")
_MIB = 2**20
_COLUMNS = ("NAME", "WHAT", "BATCH", "WEIGHTS", "STATE", "MAPS", "TOTAL")
_TIMEOUT = 1800.0  # seconds for one measurement


@dataclass(frozen=True, slots=True)
class Need:
    """What one variant needs for one kind of work; a batch of 0 says that not even the smallest fits."""

    name: str
    what: What
    batch: int
    estimate: Estimate | None
    measured: int | None
    trouble: str = ""


def memory(
    chosen: Sequence[Variant], library: Library, options: CostOptions, *, as_json: bool
) -> int:
    """Tell what each variant needs; the exit code."""
    step_recipe = recipe(options.recipe_name)
    needs: list[Need] = []
    problems: list[Problem] = []
    for variant in chosen:
        try:
            needs += _needs(final(variant, library), options, step_recipe)
        except SpecError as error:
            problems += error.problems
    if as_json:
        errors = [problem_json(problem) for problem in problems]
        reply("cost", _document(needs, options, step_recipe), errors)
    else:
        _print(needs, options)
        print_problems(problems)
    if problems:
        return ExitCode.USAGE
    return ExitCode.VARIANT_FAILED if any(need.trouble for need in needs) else ExitCode.DONE


def _needs(variant: Variant, options: CostOptions, step_recipe: Recipe) -> list[Need]:
    forms = build_forms(variant, options.classes)
    return [_need(variant, forms, what, options, step_recipe) for what in _KINDS]


def _need(
    variant: Variant, forms: Forms, what: What, options: CostOptions, step_recipe: Recipe
) -> Need:
    def estimated(batch: int) -> Estimate:
        if what == "inference":
            return inference(forms, options.image_size, batch, options.precision)
        optimizer = step_recipe.optimizer.kind
        return training(forms, options.image_size, batch, options.precision, optimizer=optimizer)

    batch = options.batch
    if options.fit is not None:
        # a norm in training wants several values a channel, which one small picture need not have
        start = 1 if what == "inference" else 2
        batch = largest_batch(lambda size: estimated(size).total, options.fit, start=start)
    if batch == 0:
        return Need(variant.name, what, 0, None, None)
    estimate = estimated(batch)
    if not options.measure:
        return Need(variant.name, what, batch, estimate, None)
    question = Question(
        variant,
        what,
        step_recipe,
        image_size=options.image_size,
        batch=batch,
        classes=options.classes,
        precision=options.precision,
        device=options.device,
    )
    return _measured(question, estimate)


def _measured(question: Question, estimate: Estimate) -> Need:
    """The need with a measurement; weights are added to it, as it starts from the loaded network."""
    name, what, batch = question.variant.name, question.what, question.batch
    say(f"measuring {what} of {name}, batch {batch} ...")
    try:
        footprint = measure(question, timeout=_TIMEOUT)
    except FootprintError as error:
        say(str(error))
        return Need(name, what, batch, estimate, None, str(error))
    beside = footprint.host if footprint.device is None else footprint.device
    return Need(name, what, batch, estimate, beside + estimate.weights)


def _print(needs: Sequence[Need], options: CostOptions) -> None:
    columns = (*_COLUMNS, "MEASURED") if options.measure else _COLUMNS
    table(columns, [_row(need, measured=options.measure) for need in needs])


def _row(need: Need, *, measured: bool) -> list[object]:
    estimate = need.estimate
    sizes: list[int | None] = [None] * 4
    if estimate:
        sizes = [estimate.weights, estimate.state, estimate.maps, estimate.total]
    row: list[object] = [need.name, need.what, need.batch, *map(_mebibytes, sizes)]
    if measured:
        row.append(_mebibytes(need.measured))
    return row


def _mebibytes(size: int | None) -> float | None:
    return None if size is None else round(size / _MIB, 1)


def _document(needs: Sequence[Need], options: CostOptions, step_recipe: Recipe) -> Json:
    return {
        "image_size": options.image_size,
        "classes": options.classes,
        "precision": options.precision,
        "device": options.device,
        "recipe": step_recipe.name,
        "budget": options.fit,
        "unit": "bytes",
        "needs": [_need_json(need) for need in needs],
    }


def _need_json(need: Need) -> Json:
    estimate: dict[str, Json] | None = None
    if need.estimate:
        estimate = {
            "weights": need.estimate.weights,
            "state": need.estimate.state,
            "maps": need.estimate.maps,
            "total": need.estimate.total,
        }
    return {
        "name": need.name,
        "what": need.what,
        "batch": need.batch,
        "estimate": estimate,
        "measured": need.measured,
        "trouble": need.trouble,
    }

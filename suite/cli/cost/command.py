"""`cost`: parameters and multiply-adds, counted without a byte of weights."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from suite.cli.cost.cuts import CUTS, Cut, print_cut
from suite.cli.cost.memory import memory_options, say_memory, wish_of
from suite.cli.errors import print_problems, problem_json
from suite.cli.finals import final
from suite.cli.garbage import collected_rarely
from suite.cli.library import open_library
from suite.cli.options import allow_code_option, json_option, names_argument, variants_option
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.metrics.definitions import ACTIVATIONS, FIELDS, HIDDEN, INTENSITY, PEAK_MAPS
from suite.record import Form, Json, Measurement
from suite.spec.records.variant import Expect, Variant
from suite.spec.views.expectation import broken_promises
from suite.yaml.errors import Problem, SpecError

if TYPE_CHECKING:
    from suite.metrics.cost.forms import Forms

_EXPECT_SIZE, _EXPECT_CLASSES = 640, 80  # what `expect` is about
_AUDITED_UNASKED = 8  # variants; a second opinion takes seconds each


@dataclass(slots=True)
class Spent:
    """Seconds by purpose."""

    building: float = 0.0
    sizing: float = 0.0
    counting: float = 0.0
    auditing: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a variant costs; `complaints` are broken promises of its file."""

    name: str
    measurements: tuple[Measurement, ...]
    complaints: tuple[str, ...]

    def number(self, metric: str, form: str = "trained") -> float | None:
        """The metric's value, None where it was not counted."""
        found = self.find(metric, form)
        return found.samples[0] if found and found.samples else None

    def find(self, metric: str, form: str = "trained") -> Measurement | None:
        """The measurement of a metric in one form."""
        return next((m for m in self.measurements if (m.metric, m.form) == (metric, form)), None)


@click.command("cost")
@names_argument()
@variants_option
@allow_code_option
@click.option(
    "--imgsz", "--image-size", "image_size", type=click.IntRange(32), default=640, show_default=True,
    help="Side of the image in pixels.",
)  # fmt: skip
@click.option("--classes", type=click.IntRange(1), default=80, show_default=True)
@click.option(
    "--by",
    type=click.Choice(CUTS),
    help="One table a variant: the cost of each of its layers, stages, parts.",
)
@click.option(
    "--form",
    type=click.Choice(["trained", "deployed"]),
    default="trained",
    show_default=True,
    help="For --by.",
)
@click.option(
    "--audit/--no-audit",
    default=None,
    help=f"Ask fvcore and thop as well; by default for up to {_AUDITED_UNASKED} variants.",
)
@memory_options
@json_option
def command(
    names: tuple[str, ...],
    variants: tuple[Path, ...],
    *,
    image_size: int,
    classes: int,
    by: Cut | None,
    form: Form,
    audit: bool | None,
    allow_code: bool,
    as_json: bool,
    **memory: Any,
) -> int:
    """Count parameters and multiply-adds (convolutions and matrix products, batch 1) of NAMEs, or of all.

    Trained and deployed form. fvcore and thop are second opinions: where one is more than 1 % off, it says why. Then,
    as deployed: millions of activations, work that no counter sees in 10^9 operations, the peak of the maps in MiB,
    floating-point operations a byte, and how many pixels the coarsest map of the head sees ("all" is the whole image).
    """
    library = open_library(variants, allow_code=allow_code)
    chosen = library.select(names or library.names())
    if not chosen:
        raise Refusal(ExitCode.NOTHING, "no variant to count")
    wish = wish_of(memory, image_size=image_size, classes=classes)
    if wish:
        return say_memory(chosen, library, wish, as_json=as_json)
    audited = len(chosen) <= _AUDITED_UNASKED and by is None if audit is None else audit
    spent, costs, problems = Spent(), [], list[Problem]()
    with collected_rarely():
        for variant in chosen:
            try:
                costs.append(
                    _count(
                        final(variant, library), image_size, classes, audited=audited, spent=spent
                    )
                )
            except SpecError as error:
                problems += error.problems
    if as_json:
        errors = [problem_json(problem) for problem in problems]
        reply("cost", _document(costs, image_size, classes, spent), errors)
    else:
        if by:
            print_cut([(cost.name, cost.measurements) for cost in costs], by, form)
        else:
            _print(costs, audited=audited)
        _complain(costs)
        print_problems(problems)
    say(
        f"{len(costs)} variants at {image_size} x {image_size}: {spent.building:.1f} s to build, "
        f"{spent.sizing:.1f} s to find the live parameters, {spent.counting:.1f} s to count multiply-adds"
    )
    if problems:
        return ExitCode.USAGE
    return ExitCode.VARIANT_FAILED if any(cost.complaints for cost in costs) else ExitCode.DONE


def _count(variant: Variant, image_size: int, classes: int, *, audited: bool, spent: Spent) -> Cost:
    from suite.metrics.audit import measure_audit
    from suite.metrics.cost.complexity import measure_complexity
    from suite.metrics.cost.forms import build_forms
    from suite.metrics.cost.size import measure_size

    start = time.perf_counter()
    forms = build_forms(variant, classes)
    built = time.perf_counter()
    found = measure_size(forms)
    sized = time.perf_counter()
    found += measure_complexity(forms, image_size)
    counted = time.perf_counter()
    if audited:
        found += measure_audit(forms, image_size)
    spent.building += built - start
    spent.sizing += sized - built
    spent.counting += counted - sized
    spent.auditing += time.perf_counter() - counted
    comparable = (image_size, classes) == (_EXPECT_SIZE, _EXPECT_CLASSES)
    return Cost(variant.name, found, _complaints(forms, found) if comparable else ())


def _complaints(forms: "Forms", found: Sequence[Measurement]) -> tuple[str, ...]:
    trained = {m.metric: m.samples[0] for m in found if m.form == "trained" and m.samples}
    measured = Expect(forms.trained.strides, int(trained["params"]), trained["gmacs"])
    return broken_promises(forms.variant.expect, measured)


def _print(costs: Sequence[Cost], *, audited: bool) -> None:
    columns = [
        "NAME",
        "PARAMS",
        "DEPLOYED",
        "LIVE",
        "GMACS",
        "DEPLOYED",
        "ACTS",
        "HIDDEN",
        "PEAK",
        "FLOP/B",
        "FIELD",
    ]
    table(
        [*columns, *(["FVCORE", "THOP", "WHY"] if audited else [])],
        [_row(cost, audited=audited) for cost in costs],
    )


def _complain(costs: Sequence[Cost]) -> None:
    for cost in costs:
        for complaint in cost.complaints:
            say(f"{cost.name}: {complaint}")


def _row(cost: Cost, *, audited: bool) -> list[object]:
    counts = [cost.number("params"), cost.number("params", "deployed"), cost.number("params_live")]
    work = [cost.number("gmacs"), cost.number("gmacs", "deployed")]
    rest = [
        cost.number(metric.name, "deployed")
        for metric in (ACTIVATIONS, HIDDEN, PEAK_MAPS, INTENSITY)
    ]
    row: list[object] = [
        cost.name,
        *(None if n is None else int(n) for n in counts),
        *map(_rounded, work),
    ]
    row += [None if n is None else round(n, 3) for n in rest]
    row.append(_field(cost))
    if not audited:
        return row
    return [
        *row,
        *map(_rounded, (cost.number("gmacs_fvcore"), cost.number("gmacs_thop"))),
        _why(cost),
    ]


def _field(cost: Cost) -> str:
    """What the coarsest map of the head sees: the field of its local paths, and whether others see everything."""
    found = cost.find(FIELDS.name)
    taps = found.notes["taps"] if found else []
    assert isinstance(taps, list)
    last = [tap for tap in taps if isinstance(tap, dict) and tap["head"]][-1]
    return f"{last['pixels'] or ''}{' all' if last['whole'] is not None else ''}".strip()


def _why(cost: Cost) -> str:
    """What each counter that does not agree says of itself."""
    sentences = []
    for counter in ("fvcore", "thop"):
        found = cost.find(f"gmacs_{counter}")
        sentence = str(found.notes["sentence"]) if found else ""
        if sentence and not sentence.startswith("agrees"):
            sentences.append(f"{counter} {sentence}")
    return "; ".join(sentences)


def _rounded(gmacs: float | None) -> float | None:
    return None if gmacs is None else round(gmacs, 3)


def _document(costs: Sequence[Cost], image_size: int, classes: int, spent: Spent) -> Json:
    seconds: dict[str, Json] = {
        "building": round(spent.building, 3),
        "sizing": round(spent.sizing, 3),
        "counting": round(spent.counting, 3),
        "auditing": round(spent.auditing, 3),
    }
    return {
        "image_size": image_size,
        "classes": classes,
        "seconds": seconds,
        "variants": [
            {
                "name": cost.name,
                "complaints": list(cost.complaints),
                "measurements": [_measurement(m) for m in cost.measurements],
            }
            for cost in costs
        ],
    }


def _measurement(measurement: Measurement) -> Json:
    notes: Mapping[str, Json] = measurement.notes
    return {
        "metric": measurement.metric,
        "unit": measurement.unit,
        "form": measurement.form,
        "value": measurement.samples[0] if measurement.samples else None,
        "notes": dict(notes),
    }

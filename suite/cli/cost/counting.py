"""`cost`, when it is really called: every variant built on the meta device and counted."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from suite.cli.cost.cuts import print_cut
from suite.cli.cost.options import AUDITED_UNASKED, CostOptions
from suite.cli.errors import print_problems, problem_json
from suite.cli.garbage import collected_rarely
from suite.cli.library import final
from suite.cli.output import ExitCode, reply, say, table
from suite.metrics.audit import measure_audit
from suite.metrics.cost.complexity import measure_complexity
from suite.metrics.cost.forms import Forms, build_forms
from suite.metrics.cost.size import measure_size
from suite.metrics.definitions import ACTIVATIONS, FIELDS, HIDDEN, INTENSITY, PEAK_MAPS
from suite.metrics.evidence.counters import CounterCauses
from suite.metrics.evidence.graph import ReceptiveFields
from suite.record import Json, Measurement
from suite.spec.library import Library
from suite.spec.records.variant import Expect, Variant
from suite.spec.views.expectation import broken_promises
from suite.yaml.errors import Problem, SpecError

_EXPECT_SIZE, _EXPECT_CLASSES = 640, 80  # what `expect` is about
_DEPLOYED = (ACTIVATIONS, HIDDEN, PEAK_MAPS, INTENSITY)
_COUNTERS = ("fvcore", "thop")
_COLUMNS = (
    *("NAME", "PARAMS", "DEPLOYED", "LIVE", "GMACS", "DEPLOYED"),
    *("ACTS", "HIDDEN", "PEAK", "FLOP/B", "FIELD"),
)
_AUDIT_COLUMNS = ("FVCORE", "THOP", "WHY")


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
        measurement = self.find(metric, form)
        if measurement is None or not measurement.samples:
            return None
        return measurement.samples[0]

    def find(self, metric: str, form: str = "trained") -> Measurement | None:
        """The measurement of a metric in one form."""
        return next((m for m in self.measurements if (m.metric, m.form) == (metric, form)), None)


def count(
    chosen: Sequence[Variant], library: Library, options: CostOptions, *, as_json: bool
) -> int:
    """Count and tell; the exit code."""
    audited = options.audit
    if audited is None:
        audited = len(chosen) <= AUDITED_UNASKED and options.by is None
    spent = Spent()
    costs: list[Cost] = []
    problems: list[Problem] = []
    with collected_rarely():
        for variant in chosen:
            try:
                matched = final(variant, library)
                costs.append(_count(matched, options, audited=audited, spent=spent))
            except SpecError as error:
                problems += error.problems
    if as_json:
        errors = [problem_json(problem) for problem in problems]
        reply("cost", _document(costs, options, spent), errors)
    else:
        _tell(costs, options, audited=audited)
        print_problems(problems)
    size = options.image_size
    say(
        f"{len(costs)} variants at {size} x {size}: {spent.building:.1f} s to build, "
        f"{spent.sizing:.1f} s to find the live parameters, {spent.counting:.1f} s to count multiply-adds"
    )
    if problems:
        return ExitCode.USAGE
    return ExitCode.VARIANT_FAILED if any(cost.complaints for cost in costs) else ExitCode.DONE


def _tell(costs: Sequence[Cost], options: CostOptions, *, audited: bool) -> None:
    if options.by:
        print_cut([(cost.name, cost.measurements) for cost in costs], options.by, options.form)
    else:
        _print(costs, audited=audited)
    _complain(costs)


def _count(variant: Variant, options: CostOptions, *, audited: bool, spent: Spent) -> Cost:
    image_size = options.image_size
    start = time.perf_counter()
    forms = build_forms(variant, options.classes)
    built = time.perf_counter()
    measurements = measure_size(forms)
    sized = time.perf_counter()
    measurements += measure_complexity(forms, image_size)
    counted = time.perf_counter()
    if audited:
        measurements += measure_audit(forms, image_size)
    spent.building += built - start
    spent.sizing += sized - built
    spent.counting += counted - sized
    spent.auditing += time.perf_counter() - counted
    complaints: tuple[str, ...] = ()
    if (image_size, options.classes) == (_EXPECT_SIZE, _EXPECT_CLASSES):
        complaints = _complaints(forms, measurements)
    return Cost(variant.name, measurements, complaints)


def _complaints(forms: Forms, measurements: Sequence[Measurement]) -> tuple[str, ...]:
    """What the variant's file promises and its network is not."""
    trained = {m.metric: m.samples[0] for m in measurements if m.form == "trained" and m.samples}
    measured = Expect(forms.trained.strides, int(trained["params"]), trained["gmacs"])
    return broken_promises(forms.variant.expect, measured)


def _print(costs: Sequence[Cost], *, audited: bool) -> None:
    columns = _COLUMNS + _AUDIT_COLUMNS if audited else _COLUMNS
    table(columns, [_row(cost, audited=audited) for cost in costs])


def _complain(costs: Sequence[Cost]) -> None:
    for cost in costs:
        for complaint in cost.complaints:
            say(f"{cost.name}: {complaint}")


def _row(cost: Cost, *, audited: bool) -> list[object]:
    deployed = [cost.number(metric.name, "deployed") for metric in _DEPLOYED]
    row: list[object] = [
        cost.name,
        _whole(cost.number("params")),
        _whole(cost.number("params", "deployed")),
        _whole(cost.number("params_live")),
        _rounded(cost.number("gmacs")),
        _rounded(cost.number("gmacs", "deployed")),
        *(_rounded(number) for number in deployed),
        _field(cost),
    ]
    if not audited:
        return row
    seconds = [_rounded(cost.number(f"gmacs_{counter}")) for counter in _COUNTERS]
    return [*row, *seconds, _why(cost)]


def _field(cost: Cost) -> str:
    """What the coarsest map of the head sees: the field of its local paths, and whether others see everything."""
    measurement = cost.find(FIELDS.name)
    assert measurement is not None
    taps = ReceptiveFields.from_json(measurement.notes).taps or ()
    coarsest = [tap for tap in taps if tap.head][-1]
    whole = " all" if coarsest.whole is not None else ""
    return f"{coarsest.pixels or ''}{whole}".strip()


def _why(cost: Cost) -> str:
    """What each counter that does not agree says of itself."""
    sentences = []
    for counter in _COUNTERS:
        measurement = cost.find(f"gmacs_{counter}")
        if measurement is None:
            continue
        sentence = CounterCauses.from_json(measurement.notes).sentence
        if sentence and not sentence.startswith("agrees"):
            sentences.append(f"{counter} {sentence}")
    return "; ".join(sentences)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def _document(costs: Sequence[Cost], options: CostOptions, spent: Spent) -> Json:
    seconds: dict[str, Json] = {
        "building": round(spent.building, 3),
        "sizing": round(spent.sizing, 3),
        "counting": round(spent.counting, 3),
        "auditing": round(spent.auditing, 3),
    }
    return {
        "image_size": options.image_size,
        "classes": options.classes,
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
    return {
        "metric": measurement.metric,
        "unit": measurement.unit,
        "form": measurement.form,
        "value": measurement.samples[0] if measurement.samples else None,
        "notes": dict(measurement.notes),
    }

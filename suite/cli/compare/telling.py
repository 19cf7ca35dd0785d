"""`compare`, when it is really called: the verdict, and the evidence as a table or a document."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict

import click

from reports.compare.pair import Pair, PairError, Training, Wanted
from reports.compare.pair_latency import TimedPair
from reports.run.certainty import doubt_words, needed_words
from suite.cli.compare.options import CompareOptions
from suite.cli.errors import refusing_stores
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.record import Json
from suite.session.comparison import Comparison, compare_accuracy, compare_latency
from suite.stats.verdict import p_text


def compare(options: CompareOptions, *, as_json: bool) -> int:
    """Compare and tell; the exit code.

    Raises:
        Refusal: nothing can be compared, or the store cannot be read.
    """
    try:
        with refusing_stores():
            comparison = _compared(options)
    except PairError as error:
        raise Refusal(ExitCode.NOTHING if error.nothing else ExitCode.USAGE, str(error)) from error
    evidence = comparison.evidence
    if isinstance(evidence, TimedPair):
        _tell_times(comparison, evidence, as_json=as_json)
    else:
        _tell_accuracy(comparison, evidence, as_json=as_json)
    return ExitCode.DONE


def _compared(options: CompareOptions) -> Comparison:
    store, run_id = options.store, options.run_id
    if options.metric == "latency":
        return compare_latency(store, options.base, options.variant, run_id=run_id)
    base = Wanted(options.base, options.seeds)
    variant = Wanted(options.variant, options.against or options.seeds)
    return compare_accuracy(store, base, variant, options.metric, run_id=run_id)


def _tell_accuracy(comparison: Comparison, evidence: Pair, *, as_json: bool) -> None:
    names = (comparison.base, comparison.variant)
    if as_json:
        sides: list[Json] = [
            _side(name, side, evidence.metric)
            for name, side in zip(names, (evidence.base, evidence.variant), strict=True)
        ]
        facts: dict[str, Json] = {
            "metric": evidence.metric,
            "sides": sides,
            "conditions": dict(evidence.conditions),
            "warnings": list(evidence.warnings),
        }
        reply("compare", facts | _judged(comparison))
        return
    judged = comparison.verdict
    metric = f"{evidence.metric.upper()} " if judged.power else ""
    click.echo(f"{judged.word}: {metric}{judged.sentence}\n")
    for warning in evidence.warnings:
        say(f"⚠ {warning}")
    values = [_by_seed(side, evidence.metric) for side in (evidence.base, evidence.variant)]
    table(("SEED", *names), _seed_rows(values))
    click.echo()
    estimate = comparison.estimate
    runs = sorted({training.run for training in (*evidence.base, *evidence.variant)})
    pairs = [
        ("mean", " and ".join(f"{statistics.mean(side.values()):.4f}" for side in values)),
        ("sd of a seed", " and ".join(f"{spread:.4f}" for spread in estimate.spread)),
        *_figures(comparison),
        *_conditions(evidence),
        ("runs", ", ".join(runs)),
    ]
    table(("WHAT", "VALUE"), [line for line in pairs if line[1]])


def _by_seed(trainings: Sequence[Training], metric: str) -> dict[int, float]:
    return {training.seed: training.value(metric) or 0.0 for training in trainings}


def _seed_rows(sides: Sequence[dict[int, float]]) -> list[tuple[object, ...]]:
    """A line a seed, with the value of each side that has it."""
    rows: list[tuple[object, ...]] = []
    for seed in sorted({seed for side in sides for seed in side}):
        values = (f"{side[seed]:.4f}" if seed in side else "" for side in sides)
        rows.append((seed, *values))
    return rows


def _conditions(evidence: Pair) -> list[tuple[str, str]]:
    shown = {key: value for key, value in evidence.conditions.items() if key != "versions"}
    return [(key, _plain(value)) for key, value in shown.items()]


def _tell_times(comparison: Comparison, evidence: TimedPair, *, as_json: bool) -> None:
    names = (comparison.base, comparison.variant)
    beside = evidence.against or comparison.base
    by_name = list(zip(names, evidence.medians, strict=True))
    if as_json:
        sides: list[Json] = [
            {"name": name, "milliseconds": list(medians)} for name, medians in by_name
        ]
        conditions: dict[str, Json] = {
            "setup": evidence.setup.key,
            "machine": evidence.machine,
            "timed_beside": beside,
        }
        facts: dict[str, Json] = {"metric": "latency", "sides": sides, "conditions": conditions}
        reply("compare", facts | _judged(comparison))
        return
    judged, estimate = comparison.verdict, comparison.estimate
    click.echo(f"{judged.word}: latency ×{estimate.value:.4f}, {judged.sentence}\n")
    times = [(f"ms {name}", ", ".join(f"{ms:.3f}" for ms in medians)) for name, medians in by_name]
    pairs = [
        *times,
        *_figures(comparison),
        ("set-up", evidence.setup.title),
        ("timed beside", beside),
        ("machine", evidence.machine),
        ("run", evidence.run),
    ]
    table(("WHAT", "VALUE"), [line for line in pairs if line[1]])


def _figures(comparison: Comparison) -> list[tuple[str, str]]:
    estimate, judged, rule = comparison.estimate, comparison.verdict, comparison.rule
    tests: list[tuple[str, str]] = []
    if judged.power:
        chances = f"{100 * judged.power.floor:.0f} %, {100 * judged.power.seen:.0f} %"
        tests = [
            ("p of no difference", p_text(estimate.p)),
            ("p of a difference beyond the floor", p_text(judged.p_equivalent)),
            ("power for the floor, for what was seen", chances),
        ]
    unit = f"{rule.unit}es" if rule.unit.endswith("s") else f"{rule.unit}s"
    return [
        ("floor", rule.show(rule.floor).lstrip("+")),
        *tests,
        ("judged", comparison.family.words),
        ("interval holds", estimate.basis),
        ("doubt in the choice of the pictures", doubt_words(estimate)),
        (f"{unit} a side to settle it", needed_words(judged.needed)),
    ]


def _judged(comparison: Comparison) -> dict[str, Json]:
    estimate, judged = comparison.estimate, comparison.verdict
    bounded = abs(estimate.high) != float("inf")
    return {
        "difference": {
            "value": estimate.value,
            "low": estimate.low if bounded else None,
            "high": estimate.high if bounded else None,
            "error": estimate.error if estimate.error != float("inf") else None,
            "freedom": estimate.freedom if estimate.freedom != float("inf") else None,
            "p": estimate.p,
            "holds": estimate.basis,
            "variance_of_pictures": estimate.pictures,
            "spread": list(estimate.spread),
            "n": estimate.n,
        },
        "floor": comparison.rule.floor,
        "verdict": {
            "word": judged.word,
            "sentence": judged.sentence,
            "needed": judged.needed,
            "p_equivalent": judged.p_equivalent,
            "power": asdict(judged.power) if judged.power else None,
            "decides": [judged.low, judged.high] if bounded else None,
            "family": {"size": comparison.family.size, "run": comparison.family.run or None},
        },
    }


def _side(name: str, trainings: Sequence[Training], metric: str) -> Json:
    return {
        "name": name,
        "fingerprint": trainings[0].fingerprint,
        "seeds": [
            {"seed": t.seed, "value": t.value(metric), "run": t.run, "job": t.key}
            for t in trainings
        ],
    }


def _plain(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return "" if value is None else str(value)

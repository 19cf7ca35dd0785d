"""`compare`: two variants of a store against each other."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from reports.compare.pair import Pair, PairError, Training, Wanted, pair
from reports.compare.pair_latency import TimedPair, timed_pair
from reports.run.certainty import doubt_words, needed_words
from reports.words import signed
from suite.cli.options import json_option, out_option
from suite.cli.output import ExitCode, Refusal, reply, say, table
from suite.record import Json
from suite.stats.intervals import Estimate
from suite.stats.verdict import Rule, Verdict, p_text, verdict
from suite.store import StoreError


def _parse_seeds(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, ...]:
    """Seeds as they stand on the command line: "0,1,2" or "0-2"."""
    found: list[int] = []
    for word in (text or "").split(",") if text is not None else ():
        first, _, last = word.strip().partition("-")
        if (
            not first.isdecimal()
            or not (last or first).isdecimal()
            or int(last or first) < int(first)
        ):
            raise click.BadParameter(
                f"seeds are numbers or ranges such as 0-2, not {word!r}", context, parameter
            )
        found += range(int(first), int(last or first) + 1)
    return tuple(dict.fromkeys(found))


@click.command("compare")
@click.argument("base")
@click.argument("variant")
@click.option(
    "--metric", type=click.Choice(["ap", "ap50", "latency"]), default="ap", show_default=True
)
@click.option(
    "--seeds",
    metavar="N-M,...",
    callback=_parse_seeds,
    help="Only these seeds; of BASE, with --against.",
)
@click.option(
    "--against", metavar="N-M,...", callback=_parse_seeds, help="Only these seeds of VARIANT."
)
@out_option("The folder of the store.")
@click.option(
    "--run", "run_id", default="", metavar="ID", help="Only this run; `latest` is the last one."
)
@json_option
def command(
    *,
    base: str,
    variant: str,
    metric: Literal["ap", "ap50", "latency"],
    seeds: tuple[int, ...],
    against: tuple[int, ...],
    out: Path,
    run_id: str,
    as_json: bool,
) -> int:
    """Say whether VARIANT is better than BASE, how sure that is, and on what evidence.

    Accuracy may come from any runs of the store that trained both alike; what differs in data, recipe or budget is
    refused. A variant may be compared with itself: `compare yolov5p yolov5p --seeds 0-2 --against 3-5`.
    """
    store = out / "store.sqlite"
    if not store.exists():
        raise Refusal(ExitCode.NOTHING, f"{store}: there is no store; `run` makes one")
    try:
        if metric == "latency":
            found = timed_pair(store, base, variant, run_id=run_id)
            _tell_times(found, (base, variant), as_json=as_json)
        else:
            sides = (Wanted(base, seeds), Wanted(variant, against or seeds))
            _tell_accuracy(
                pair(store, *sides, metric, run_id=run_id), (base, variant), as_json=as_json
            )
    except PairError as error:
        raise Refusal(ExitCode.NOTHING if error.nothing else ExitCode.USAGE, str(error)) from error
    except StoreError as error:
        raise Refusal(ExitCode.UNFIT, str(error)) from error
    return ExitCode.DONE


def _tell_accuracy(found: Pair, names: tuple[str, str], *, as_json: bool) -> None:
    rule = Rule("higher", found.rules.ap_floor, signed)
    judged = verdict(found.estimate, p_adjusted=found.estimate.p, rule=rule)
    values = [
        {t.seed: t.value(found.metric) or 0.0 for t in side} for side in (found.base, found.variant)
    ]
    if as_json:
        sides: list[Json] = [_side(name, side, found.metric) for name, side in _both(names, found)]
        facts: dict[str, Json] = {
            "metric": found.metric,
            "sides": sides,
            "conditions": dict(found.conditions),
            "warnings": list(found.warnings),
        }
        reply("compare", facts | _judged(found.estimate, judged, rule))
        return
    what = f"{found.metric.upper()} " if judged.power else ""
    click.echo(f"{judged.word}: {what}{judged.sentence}\n")
    for warning in found.warnings:
        say(f"⚠ {warning}")
    seeds = sorted({*values[0], *values[1]})
    table(
        ("SEED", *names),
        [(seed, *(f"{own[seed]:.4f}" if seed in own else "" for own in values)) for seed in seeds],
    )
    click.echo()
    runs = sorted({t.run for t in (*found.base, *found.variant)})
    pairs = [
        ("mean", " and ".join(f"{statistics.mean(own.values()):.4f}" for own in values)),
        ("sd of a seed", " and ".join(f"{s:.4f}" for s in found.estimate.spread)),
        *_figures(found.estimate, judged, rule),
        *((key, _plain(value)) for key, value in found.conditions.items() if key != "versions"),
        ("runs", ", ".join(runs)),
    ]
    table(("WHAT", "VALUE"), [line for line in pairs if line[1]])


def _tell_times(found: TimedPair, names: tuple[str, str], *, as_json: bool) -> None:
    judged = verdict(found.estimate, p_adjusted=found.estimate.p, rule=found.rule)
    beside = found.against or names[0]
    if as_json:
        sides: list[Json] = [
            {"name": name, "milliseconds": list(own)}
            for name, own in zip(names, found.medians, strict=True)
        ]
        conditions: dict[str, Json] = {
            "setup": found.setup.key,
            "machine": found.machine,
            "timed_beside": beside,
        }
        reply("compare", {"metric": "latency", "sides": sides, "conditions": conditions,
                          **_judged(found.estimate, judged, found.rule)})  # fmt: skip
        return
    click.echo(f"{judged.word}: latency ×{found.estimate.value:.4f}, {judged.sentence}\n")
    pairs = [
        *(
            (f"ms {name}", ", ".join(f"{ms:.3f}" for ms in own))
            for name, own in zip(names, found.medians, strict=True)
        ),
        *_figures(found.estimate, judged, found.rule),
        ("set-up", found.setup.title),
        ("timed beside", beside),
        ("machine", found.machine),
        ("run", found.run),
    ]
    table(("WHAT", "VALUE"), [line for line in pairs if line[1]])


def _figures(estimate: Estimate, judged: Verdict, rule: Rule) -> list[tuple[str, str]]:
    chances = judged.power
    tests = [
        ("p of no difference", p_text(estimate.p)),
        ("p of a difference beyond the floor", p_text(judged.p_equivalent)),
        ("power for the floor, for what was seen", f"{100 * chances.floor:.0f} %, {100 * chances.seen:.0f} %"),
    ] if chances else []  # fmt: skip
    unit = f"{rule.unit}s" if not rule.unit.endswith("s") else f"{rule.unit}es"
    return [
        ("floor", rule.show(rule.floor).lstrip("+")),
        *tests,
        ("interval holds", estimate.basis),
        ("doubt in the choice of the pictures", doubt_words(estimate)),
        (f"{unit} a side to settle it", needed_words(judged.needed)),
    ]


def _judged(estimate: Estimate, judged: Verdict, rule: Rule) -> dict[str, Json]:
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
        "floor": rule.floor,
        "verdict": {
            "word": judged.word,
            "sentence": judged.sentence,
            "needed": judged.needed,
            "p_equivalent": judged.p_equivalent,
            "power": asdict(judged.power) if judged.power else None,
        },
    }


def _both(names: tuple[str, str], found: Pair) -> list[tuple[str, Sequence[Training]]]:
    return list(zip(names, (found.base, found.variant), strict=True))


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

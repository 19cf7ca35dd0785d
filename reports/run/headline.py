"""The answer in one sentence, the sentences under it, and the counts that lead into the table."""

from collections import Counter
from collections.abc import Sequence

from reports.model import Report, Row
from reports.run.judge import needs_another_recipe
from reports.run.published import published_sentence
from reports.words import CALLS, counted, listed, number
from suite.stats.resolution import admission

PRIMARY = "ap"
_SLOWER = (("worse", "slower"), ("equal", "equally fast"), ("same", "cannot tell"))


def accuracy_call(row: Row) -> str:
    """What the run says of a variant's accuracy: better, worse, equal, same, broken, failed, or "" (not trained)."""
    if row.state in {"broken", "failed"}:
        return row.state
    found = row.judged.get(PRIMARY)
    return CALLS[found.verdict.word] if found else ""


def latency_call(report: Report, row: Row) -> str:
    """What the run says of a variant's latency in its first setup: better, worse, equal, same, or "" (not timed)."""
    found = row.judged.get(f"wall:{report.setups[0].key}") if report.setups else None
    return CALLS[found.verdict.word] if found else ""


def title(report: Report) -> str:
    """The verdict of the run."""
    variants, base = report.variants, report.baseline
    total = counted(len(variants), "variant")
    if not report.rows:
        return "This run holds no variant"
    if not variants or base is None:
        return f"{counted(len(report.rows), 'network')} measured; the run has no base with variants to compare"
    if base.state == "unknown":
        return f"The base {base.name} does not train here: nothing can be said about accuracy"
    trained = [row for row in variants if accuracy_call(row)] or variants
    against = base.name if len({row.baseline for row in trained}) == 1 else "their base"
    calls = Counter(accuracy_call(row) for row in variants)
    if calls["failed"] == len(variants):
        return f"All {total} failed" if len(variants) > 1 else "The variant failed"
    if set(calls) <= {"", "failed"}:
        return _untrained(report, variants, against)
    rest = [
        f"{calls[call]} {words}"
        for call, words in (
            ("worse", "less accurate"),
            ("equal", "equivalent"),
            ("same", "cannot tell"),
            ("broken", "broken"),
            ("failed", "failed"),
        )
        if calls[call]
    ]
    total = counted(len(variants) - calls[""], "variant")
    return ", ".join([f"{calls['better']} of {total} more accurate than {against}", *rest])


def _untrained(report: Report, variants: Sequence[Row], against: str) -> str:
    calls = Counter(latency_call(report, row) for row in variants)
    failed = sum(accuracy_call(row) == "failed" for row in variants)
    tail = f", {failed} failed" if failed else ""
    total = counted(len(variants), "variant")
    if set(calls) == {""}:
        return f"{total} counted against {against}{tail}; no accuracy or latency was measured"
    rest = [f"{calls[c]} {words}" for c, words in _SLOWER if calls[c]]
    return (
        ", ".join([f"{calls['better']} of {total} faster than {against}", *rest])
        + f"{tail}; accuracy not measured"
    )


def sentences(report: Report) -> tuple[str, ...]:
    """What follows the title: latency, controls, strides, jobs without a result."""
    found = [
        _latency(report),
        _noise(report),
        *_controls(report),
        published_sentence(report),
        _counted_only(report),
    ]
    found += _gaps(report)
    return tuple(sentence for sentence in found if sentence)


def _latency(report: Report) -> str:
    if not report.setups:
        return ""
    calls = Counter(latency_call(report, row) for row in report.variants)
    parts = [
        f"{calls[call]} {words}" for call, words in (("better", "faster"), *_SLOWER) if calls[call]
    ]
    return f"Latency on {report.setups[0].title}: {', '.join(parts)}." if parts else ""


def _noise(report: Report) -> str:
    """A machine that cannot tell a network from its copy was not idle."""
    for setup in report.setups[:1]:
        found = report.resolutions.get(f"wall:{setup.key}")
        if found and (word := admission(found, report.rules.latency_floor)) != "admitted":
            reach = f"differences of time under {100 * found.value:.1f} % could not be seen"
            return f"⚠ The machine was not quiet: {reach}; it is {word}."
    return ""


def _controls(report: Report) -> list[str]:
    """A run whose broken control is not called broken cannot tell anything."""
    found = []
    for row in report.rows:
        if row.role != "control":
            continue
        if row.state == row.record.control:
            found.append(
                f"Control {row.name} called {row.state}, as it must be: this run can tell."
            )
        elif row.state in {"trains", "suspect"}:
            found.append(
                f"⚠ Control {row.name} must be {row.record.control} and was called '{row.state}': trust nothing here."
            )
    return found


def _counted_only(report: Report) -> str:
    rows = [row for row in report.variants if not accuracy_call(row) and not row.seeds(PRIMARY)]
    if not rows or len(rows) == len(report.variants):
        return ""
    return f"{counted(len(rows), 'more variant was', 'more variants were')} counted and timed, not trained."


def _gaps(report: Report) -> list[str]:
    missing = sum(job.status == "missing" for job in report.run.jobs)
    if not missing:
        return []
    state = "has not finished" if not report.run.finished else "left gaps"
    return [
        f"⚠ The run {state}: {counted(missing, 'job')} of {len(report.run.jobs)} without a result."
    ]


def stride_warning(report: Report, row: Row) -> str:
    """Loud words for a variant whose levels are not its base's."""
    base = report.row(row.baseline)
    if (
        base is None
        or not base.record.strides
        or not row.record.strides
        or base.record.strides == row.record.strides
    ):
        return ""
    return f"strides {_strides(row)} unlike the base's {_strides(base)}"


def recipe_warning(report: Report, row: Row) -> str:
    """Words for a variant that needs another recipe than the run's: its accuracy is not judged."""
    return (
        f"needs the recipe {row.recipe}: accuracy not judged"
        if needs_another_recipe(report, row)
        else ""
    )


def _strides(row: Row) -> str:
    return ", ".join(str(stride) for stride in row.record.strides)


def certificate(report: Report) -> str:
    """What a run of this size can certify: the protocol's own words, and the width of its intervals."""
    stated = str(report.run.protocol_json.get("certifies", "")).rstrip(".")
    return (
        f"{stated[:1].upper()}{stated[1:]}. {_resolution(report)}"
        if stated
        else _resolution(report)
    )


def _resolution(report: Report) -> str:
    halves = sorted(
        (found.estimate.high - found.estimate.low) / 2
        for row in report.variants
        if (found := row.judged.get(PRIMARY)) and found.estimate.high != float("inf")
    )
    seeds = max((len(row.seeds(PRIMARY)) for row in report.rows), default=0)
    if not seeds:
        return "Nothing was trained, so nothing is said about accuracy."
    if seeds < 3:
        return f"{counted(seeds, 'seed')}: ranking not supported; a verdict of accuracy needs 3 on each side."
    if not halves:
        return "No variant can be compared with the base by accuracy."
    typical = number(halves[len(halves) // 2])
    return (
        f"With {counted(seeds, 'seed')} the typical 95 % interval of a difference is ±{typical} AP: "
        "smaller ones cannot be told here."
    )


def context(report: Report) -> tuple[tuple[str, str], ...]:
    """The line under the title: name and value of everything a reader needs to place the run."""
    run, protocol = report.run, report.run.protocol_json
    budget = protocol.get("budget")
    stated = (
        [f"{name} {value}" for name, value in budget.items()] if isinstance(budget, dict) else []
    )
    seeds = sorted({job.seed for job in run.jobs if job.seed is not None})
    latency = [
        f"±{100 * r:.1f} %"
        for s in report.setups[:1]
        if (r := report.resolution(f"wall:{s.key}")) is not None
    ]
    pairs = [
        ("run", run.id),
        ("protocol", run.protocol),
        ("started", run.started.replace("T", " ").replace("+00:00", " UTC")),
        (
            "commit",
            run.git[:12] + ("+changes" if run.git.endswith("+changes") else "")
            if run.git
            else "none",
        ),
        ("data", _data(report)),
        ("recipe", ", ".join([str(protocol.get("recipe", "")), *stated]).strip(", ")),
        ("seeds", listed([str(seed) for seed in seeds])),
        ("machine", str(run.machine.get("class") or run.machine.get("cpu") or "")),
        ("latency resolution", listed(latency)),
    ]
    return tuple((name, value) for name, value in pairs if value)


def _data(report: Report) -> str:
    facts = report.facts
    counts = [
        part.get("images")
        for part in (facts.get("train"), facts.get("val"))
        if isinstance(part, dict)
    ]
    name = str(facts.get("name", ""))
    return (
        f"{name} ({' + '.join(f'{count:,}' for count in counts if isinstance(count, int))} pictures)"
        if counts
        else name
    )

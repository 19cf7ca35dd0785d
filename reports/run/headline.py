"""The answer in one sentence, the sentences under it, and what places the run."""

from collections import Counter
from collections.abc import Sequence

from reports.model import Report, Row
from reports.run.calls import PRIMARY, accuracy_call, latency_call
from reports.run.published import published_sentence
from reports.words import counted, listed, number
from suite.stats.resolution import admission

_LESS_ACCURATE = (
    ("worse", "less accurate"),
    ("equal", "equivalent"),
    ("same", "cannot tell"),
    ("broken", "broken"),
    ("failed", "failed"),
)
_SLOWER = (("worse", "slower"), ("equal", "equally fast"), ("same", "cannot tell"))
_FASTER = (("better", "faster"), *_SLOWER)


def title(report: Report) -> str:
    """The verdict of the run."""
    variants, base = report.variants, report.baseline
    if not report.rows:
        return "This run holds no variant"
    if not variants or base is None:
        measured = counted(len(report.rows), "network")
        return f"{measured} measured; the run has no base with variants to compare"
    if base.state == "unknown":
        return f"The base {base.name} does not train here: nothing can be said about accuracy"
    calls = Counter(accuracy_call(row) for row in variants)
    if calls["failed"] == len(variants):
        several = len(variants) > 1
        return (
            f"All {counted(len(variants), 'variant')} failed" if several else "The variant failed"
        )
    trained = [row for row in variants if accuracy_call(row)] or variants
    against = base.name if len({row.baseline for row in trained}) == 1 else "their base"
    if set(calls) <= {"", "failed"}:
        return _untrained(report, variants, against)
    return _accuracy(calls, against)


def _accuracy(calls: Counter[str], against: str) -> str:
    total = counted(calls.total() - calls[""], "variant")
    better = f"{calls['better']} of {total} more accurate than {against}"
    return ", ".join([better, *_counts(calls, _LESS_ACCURATE)])


def _untrained(report: Report, variants: Sequence[Row], against: str) -> str:
    calls = Counter(latency_call(report, row) for row in variants)
    failed = sum(accuracy_call(row) == "failed" for row in variants)
    tail = f", {failed} failed" if failed else ""
    total = counted(len(variants), "variant")
    if set(calls) == {""}:
        return f"{total} counted against {against}{tail}; no accuracy or latency was measured"
    faster = f"{calls['better']} of {total} faster than {against}"
    return f"{', '.join([faster, *_counts(calls, _SLOWER)])}{tail}; accuracy not measured"


def _counts(calls: Counter[str], kinds: Sequence[tuple[str, str]]) -> list[str]:
    """`3 slower`, `1 cannot tell`: the kinds that there are some of."""
    return [f"{calls[call]} {meaning}" for call, meaning in kinds if calls[call]]


def sentences(report: Report) -> tuple[str, ...]:
    """What follows the title: latency, controls, strides, jobs without a result."""
    every = [
        _latency(report),
        _noise(report),
        *_controls(report),
        published_sentence(report),
        _counted_only(report),
        _gaps(report),
    ]
    return tuple(sentence for sentence in every if sentence)


def _latency(report: Report) -> str:
    if not report.setups:
        return ""
    calls = Counter(latency_call(report, row) for row in report.variants)
    counts = _counts(calls, _FASTER)
    return f"Latency on {report.setups[0].title}: {', '.join(counts)}." if counts else ""


def _noise(report: Report) -> str:
    """A machine that cannot tell a network from its copy was not idle."""
    for setup in report.setups[:1]:
        resolution = report.resolutions.get(f"wall:{setup.key}")
        if resolution is None:
            continue
        admitted = admission(resolution, report.rules.latency_floor)
        if admitted != "admitted":
            reach = f"differences of time under {100 * resolution.value:.1f} % could not be seen"
            return f"⚠ The machine was not quiet: {reach}; it is {admitted}."
    return ""


def _controls(report: Report) -> list[str]:
    """A run whose broken control is not called broken cannot tell anything."""
    return [_control(row) for row in report.rows if row.role == "control"]


def _control(row: Row) -> str:
    if row.state == row.record.control:
        return f"Control {row.name} called {row.state}, as it must be: this run can tell."
    if row.state in {"trains", "suspect"}:
        must = f"must be {row.record.control} and was called '{row.state}'"
        return f"⚠ Control {row.name} {must}: trust nothing here."
    return ""


def _counted_only(report: Report) -> str:
    rows = [row for row in report.variants if not accuracy_call(row) and not row.seeds(PRIMARY)]
    if not rows or len(rows) == len(report.variants):
        return ""
    more = counted(len(rows), "more variant was", "more variants were")
    return f"{more} counted and timed, not trained."


def _gaps(report: Report) -> str:
    missing = sum(job.status == "missing" for job in report.run.jobs)
    if not missing:
        return ""
    state = "has not finished" if not report.run.finished else "left gaps"
    jobs = counted(missing, "job")
    return f"⚠ The run {state}: {jobs} of {len(report.run.jobs)} without a result."


def certificate(report: Report) -> str:
    """What a run of this size can certify: the protocol's own words, and the width of its intervals."""
    stated = str(report.run.protocol_json.get("certifies", "")).rstrip(".")
    if not stated:
        return _resolution(report)
    return f"{stated[:1].upper()}{stated[1:]}. {_resolution(report)}"


def _resolution(report: Report) -> str:
    seeds = max((len(row.seeds(PRIMARY)) for row in report.rows), default=0)
    if not seeds:
        return "Nothing was trained, so nothing is said about accuracy."
    trained = counted(seeds, "seed")
    if seeds < 3:
        return f"{trained}: ranking not supported; a verdict of accuracy needs 3 on each side."
    halves = _half_widths(report)
    if not halves:
        return "No variant can be compared with the base by accuracy."
    typical = number(halves[len(halves) // 2])
    return (
        f"With {trained} the typical 95 % interval of a difference is ±{typical} AP: "
        "smaller ones cannot be told here."
    )


def _half_widths(report: Report) -> list[float]:
    """Of the intervals of accuracy that have bounds, rising."""
    judged = [row.judged[PRIMARY] for row in report.variants if PRIMARY in row.judged]
    estimates = [comparison.estimate for comparison in judged]
    return sorted((e.high - e.low) / 2 for e in estimates if e.high != float("inf"))


def context(report: Report) -> tuple[tuple[str, str], ...]:
    """The line under the title: name and value of everything a reader needs to place the run."""
    run = report.run
    pairs = [
        ("run", run.id),
        ("protocol", run.protocol),
        ("started", run.started.replace("T", " ").replace("+00:00", " UTC")),
        ("commit", _commit(run.git)),
        ("data", _data(report)),
        ("recipe", _recipe(report)),
        ("seeds", listed(_seeds(report))),
        ("machine", str(run.machine.get("class") or run.machine.get("cpu") or "")),
        ("latency resolution", _latency_resolution(report)),
    ]
    return tuple((name, value) for name, value in pairs if value)


def _commit(git: str) -> str:
    if not git:
        return "none"
    return git[:12] + ("+changes" if git.endswith("+changes") else "")


def _recipe(report: Report) -> str:
    """The recipe and the budget."""
    protocol = report.run.protocol_json
    budget = protocol.get("budget")
    stated = [str(protocol.get("recipe", ""))]
    if isinstance(budget, dict):
        stated += [f"{name} {value}" for name, value in budget.items()]
    return ", ".join(stated).strip(", ")


def _seeds(report: Report) -> list[str]:
    seeds = {job.seed for job in report.run.jobs if job.seed is not None}
    return [str(seed) for seed in sorted(seeds)]


def _latency_resolution(report: Report) -> str:
    """Of the first setup."""
    if not report.setups:
        return ""
    resolution = report.resolution(f"wall:{report.setups[0].key}")
    return "" if resolution is None else f"±{100 * resolution:.1f} %"


def _data(report: Report) -> str:
    """The name of the data set and how many pictures its parts have."""
    facts = report.facts
    name = str(facts.get("name", ""))
    parts = [part for part in (facts.get("train"), facts.get("val")) if isinstance(part, dict)]
    if not parts:
        return name
    counts = [part.get("images") for part in parts]
    pictures = " + ".join(f"{count:,}" for count in counts if isinstance(count, int))
    return f"{name} ({pictures} pictures)"

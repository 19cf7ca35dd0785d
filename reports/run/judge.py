"""Better, worse, cannot tell, and whether a variant trains at all: the suite's statistics applied to a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reports.model import Judged, Report, Row, Rules, Setup, State
from reports.run.budget import unequal_budget
from reports.run.latency import clocks_of, processes, resolution_of
from reports.run.resamples import Trained, sides
from reports.words import number, signed, signed_percent
from suite.spec.records.cost import match_of
from suite.stats.difference import difference
from suite.stats.intervals import Estimate, ratio
from suite.stats.verdict import Rule, verdicts

ACCURACY = (
    "ap",
    "ap50",
    "ap75",
    "ap_small",
    "ap_medium",
    "ap_large",
    "ar_1",
    "ar_10",
    "ar_100",
    "ar_small",
    "ar_medium",
    "ar_large",
)


def judged(report: Report) -> Report:
    """The same report with every comparison made, and the state of every variant.

    First each variant's state (does it train at all?), since nothing is compared with a network that has learned
    nothing; then what the machine can tell apart, since no ratio counts below it; then every metric, over all variants
    at once, since the p-values of what a reader sees together are adjusted together (Holm 1979).

    Args:
        report: gathered, with `rows`, `rules`, `setups` and `resamples`; `copies`, `resolutions` and what the rows are
            judged to be are filled in here.

    Returns:
        A new report. A row's `judged` has a key for each accuracy metric that both sides have ("ap", "ap50", ...: the
        difference of AP, 0 to 1) and for each timed clock and setup ("wall:cpu-fp32-1t": the ratio of times).
    """
    timed = [(f"{c}:{setup.key}", setup, c) for setup in report.setups for c in clocks_of(setup)]
    copies = {key: _copies(report.rows, setup, clock) for key, setup, clock in timed}
    seen = {key: resolution_of(report.rows, setup, clock) for key, setup, clock in timed}
    report = replace(
        report,
        rows=tuple(replace(row, state=state_of(report, row)) for row in report.rows),
        copies={key: ratios for key, ratios in copies.items() if ratios},
        resolutions={key: resolution for key, resolution in seen.items() if resolution},
    )
    tables: dict[str, dict[str, Judged]] = {row.name: {} for row in report.rows}
    accuracy = Rule("higher", report.rules.ap_floor, signed)
    for metric in ACCURACY:
        differences = {row.name: _difference(report, row, metric) for row in report.rows}
        _judge(differences, metric, rule=accuracy, into=tables)
    for key, setup, clock in timed:
        ratios = {row.name: _ratio(row, setup, clock) for row in report.rows}
        _judge(ratios, key, rule=latency_rule(report, key), into=tables)
    rows = tuple(replace(row, judged=tables[row.name]) for row in report.rows)
    return replace(report, rows=rows)


def latency_rule(report: Report, key: str) -> Rule:
    """Latency counts from the protocol's floor, or from what this machine could tell apart where that is more.

    One process is enough for a verdict: its interval has a floor of its own, and the section says that it was one.
    """
    floor = max(report.rules.latency_floor, report.resolution(key) or 0.0)
    return Rule("lower", floor, signed_percent, neutral=1.0, unit="process", least=1)


def state_of(report: Report, row: Row) -> State:
    """Whether the variant trains, judged by AP50 against its baseline's (its own where it is one)."""
    if not any(job.kind == "train" for job in row.jobs):
        return "failed" if any(f.kind == "static" for f in row.failures) else "untrained"
    mean = row.mean("ap50")
    if mean is None:
        return "failed" if row.failures else "untrained"
    base = row if row.role == "base" else report.row(row.baseline)
    reference = base.mean("ap50") if base else None
    return _state(mean, reference, report.rules)


def _state(mean: float, reference: float | None, rules: Rules) -> State:
    if reference is None or reference < rules.base_trains:
        return "unknown"
    if mean <= rules.broken * reference:
        return "broken"
    return "trains" if mean >= rules.trains * reference else "suspect"


def _judge(
    compared: Mapping[str, Estimate | None],
    key: str,
    *,
    rule: Rule,
    into: Mapping[str, dict[str, Judged]],
) -> None:
    """Judge a metric of all variants; p is adjusted over all of them, since the reader sees them together."""
    estimates = {name: estimate for name, estimate in compared.items() if estimate is not None}
    verdicts_all = verdicts(tuple(estimates.values()), rule)
    for (name, estimate), (p, verdict) in zip(estimates.items(), verdicts_all, strict=True):
        into[name][key] = Judged(estimate, verdict, p)


def needs_another_recipe(report: Report, row: Row) -> bool:
    """Whether the run trained this variant with a recipe that its file says is not its own."""
    return row.recipe not in {"", report.run.protocol_json.get("recipe")}


def _difference(report: Report, row: Row, metric: str) -> Estimate | None:
    """Nothing is compared where base or variant has learned nothing, or was trained in another way than the other."""
    base = report.row(row.baseline)
    if base is None or needs_another_recipe(report, row) or needs_another_recipe(report, base):
        return None
    if unequal_budget(report, row) or row.state not in {"trains", "suspect"}:
        return None
    ours, theirs = _trained(report, row, metric), _trained(report, base, metric)
    return difference(*sides(theirs, ours, metric)) if ours and theirs else None


def _trained(report: Report, row: Row, metric: str) -> list[Trained]:
    """The trainings of a variant that have this metric, by rising seed."""
    items = [item for item in row.find(metric) if item.measurement.samples]
    return [
        Trained(item.measurement.samples[0], report.resamples.get(item.job.key)) for item in items
    ]


def _ratio(row: Row, setup: Setup, clock: str) -> Estimate | None:
    if not row.baseline:
        return None
    replicas = [process.ratios() for process in processes(row, setup, clock)]
    timed = [rounds for rounds in replicas if rounds]
    return ratio(timed) if timed else None


def _copies(rows: Sequence[Row], setup: Setup, clock: str) -> tuple[tuple[str, Estimate], ...]:
    """What the copies of the base beside each variant took, over the base: one, but for noise."""
    copies = []
    for row in rows:
        replicas = [process.ratios(of_copy=True) for process in processes(row, setup, clock)]
        timed = [rounds for rounds in replicas if rounds]
        if timed:
            copies.append((row.name, ratio(timed)))
    return tuple(copies)


def matched_words(row: Row) -> str:
    """The evidence of a match in one sentence; "" for a variant that was not matched."""
    match = match_of(row.record.spec)
    if match is None or match.solution is None:
        return ""
    solution = match.solution
    digits = 0 if match.metric == "params" else 3
    machine = f" on {solution.machine}" if solution.machine else ""
    cost = f"{number(solution.cost, digits)} {solution.unit} as deployed{machine}"
    apart = f"{signed_percent(solution.residual, 2)} from the {number(solution.target, digits)}"
    return f"{match.by} {solution.width:g} costs {cost}, {apart} of {match.to}"


def missed_words(row: Row) -> str:
    """Words for a variant that came no nearer to its target than its tolerance allows."""
    match = match_of(row.record.spec)
    if match is None or match.solution is None or abs(match.solution.residual) <= match.tolerance:
        return ""
    return f"no equal cost: {signed_percent(match.solution.residual)} from {match.to}"

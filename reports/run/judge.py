"""Better, worse, cannot tell, and whether a variant trains at all: the suite's statistics applied to a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from reports.model import Item, Judged, Report, Row, Rules, Setup, State
from reports.run.budget import unequal_budget
from reports.run.latency import clocks_of, processes, resolution_of
from reports.words import number, signed, signed_percent
from suite.spec.records.cost import match_of
from suite.stats.bootstrap import METRICS as RESAMPLED
from suite.stats.difference import Side, difference
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
    """The same report with every comparison made, and the state of every variant."""
    keys = [
        (f"{clock}:{setup.key}", setup, clock)
        for setup in report.setups
        for clock in clocks_of(setup)
    ]
    copies = {
        key: found for key, setup, clock in keys if (found := _copies(report.rows, setup, clock))
    }
    resolutions = {
        key: seen
        for key, setup, clock in keys
        if (seen := resolution_of(report.rows, setup, clock))
    }
    rows = tuple(replace(row, state=state_of(report, row)) for row in report.rows)
    report = replace(report, rows=rows, copies=copies, resolutions=resolutions)
    tables: dict[str, dict[str, Judged]] = {row.name: {} for row in rows}
    for metric in ACCURACY:
        rule = Rule("higher", report.rules.ap_floor, signed)
        _judge(
            {row.name: _difference(report, row, metric) for row in rows},
            metric,
            rule=rule,
            into=tables,
        )
    for key, setup, clock in keys:
        rule = latency_rule(report, key)
        _judge({row.name: _ratio(row, setup, clock) for row in rows}, key, rule=rule, into=tables)
    return replace(report, rows=tuple(replace(row, judged=tables[row.name]) for row in rows))


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
    found = {name: estimate for name, estimate in compared.items() if estimate is not None}
    judged_all = verdicts(tuple(found.values()), rule)
    for (name, estimate), (p, verdict) in zip(found.items(), judged_all, strict=True):
        into[name][key] = Judged(estimate, verdict, p)


def needs_another_recipe(report: Report, row: Row) -> bool:
    """Whether the run trained this variant with a recipe that its file says is not its own."""
    return row.recipe not in {"", report.run.protocol_json.get("recipe")}


def _difference(report: Report, row: Row, metric: str) -> Estimate | None:
    """Nothing is compared where base or variant has learned nothing, or was trained in another way than the other."""
    base = report.row(row.baseline)
    if base is None or needs_another_recipe(report, row) or needs_another_recipe(report, base):
        return None
    if unequal_budget(report, row):
        return None
    if row.state not in {"trains", "suspect"} or not base.seeds(metric) or not row.seeds(metric):
        return None
    return difference(*sides_of(report, base, row, metric))


def sides_of(report: Report, base: Row, row: Row, metric: str) -> tuple[Side, Side]:
    """The seeds of both, with resamples where all of them have some, of the same pictures."""
    items = [
        [item for item in each.find(metric) if item.measurement.samples] for each in (base, row)
    ]
    known = [report.resamples.get(item.job.key) for own in items for item in own]
    alike = (
        metric in RESAMPLED
        and None not in known
        and len({found.truth for found in known if found}) == 1
    )
    base_side, side = (_side(report, own, metric if alike else "") for own in items)
    return base_side, side


def _side(report: Report, items: Sequence[Item], resampled: str) -> Side:
    values = tuple(item.measurement.samples[0] for item in items)
    if not resampled:
        return Side(values)
    found = [report.resamples[item.job.key] for item in items]
    number = RESAMPLED.index(resampled)
    return Side(values, np.stack([each.values[number] for each in found]), found[0].pictures)


def _ratio(row: Row, setup: Setup, clock: str) -> Estimate | None:
    if not row.baseline:
        return None
    replicas = [ratios for p in processes(row, setup, clock) if (ratios := p.ratios())]
    return ratio(replicas) if replicas else None


def _copies(rows: Sequence[Row], setup: Setup, clock: str) -> tuple[tuple[str, Estimate], ...]:
    found = []
    for row in rows:
        replicas = [
            ratios for p in processes(row, setup, clock) if (ratios := p.ratios(of_copy=True))
        ]
        if replicas:
            found.append((row.name, ratio(replicas)))
    return tuple(found)


def matched_words(row: Row) -> str:
    """The evidence of a match in one sentence; "" for a variant that was not matched."""
    match = match_of(row.record.spec)
    if match is None or match.solution is None:
        return ""
    found = match.solution
    digits = 0 if match.metric == "params" else 3
    where = f" on {found.machine}" if found.machine else ""
    return (
        f"{match.by} {found.width:g} costs {number(found.cost, digits)} {found.unit} as deployed{where}, "
        f"{signed_percent(found.residual, 2)} from the {number(found.target, digits)} of {match.to}"
    )


def missed_words(row: Row) -> str:
    """Words for a variant that came no nearer to its target than its tolerance allows."""
    match = match_of(row.record.spec)
    if match is None or match.solution is None or abs(match.solution.residual) <= match.tolerance:
        return ""
    return f"no equal cost: {signed_percent(match.solution.residual)} from {match.to}"

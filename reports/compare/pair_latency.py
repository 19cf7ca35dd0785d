"""The latency of two variants against each other, by the rounds that a run timed beside their bases."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports.compare.pair import PairError
from reports.model import Report, Row, Setup
from reports.run.gather import gather
from reports.run.judge import latency_rule
from reports.run.latency import processes
from suite.stats.difference import Side, difference
from suite.stats.intervals import Estimate, median_interval, ratio
from suite.stats.verdict import Rule
from suite.store import Store


@dataclass(frozen=True, slots=True)
class TimedPair:
    """The ratio of the variant's time to the base's, and how each process saw both."""

    run: str
    machine: str
    setup: Setup
    rule: Rule
    estimate: Estimate
    against: str  # what both were timed beside, "" where the base itself
    medians: tuple[
        tuple[float, ...], tuple[float, ...]
    ]  # milliseconds by process: of the base, of the variant


def timed_pair(store_path: Path, base: str, variant: str, *, run_id: str = "") -> TimedPair:
    """Compare by wall time in the run's first set-up that has both; without `run_id`, of the newest run with both.

    Raises:
        PairError: the run has not timed both, or beside different bases.
        StoreError: there is no store, or no such run in it.
    """
    if base == variant:
        raise PairError(
            f"{base} would be compared with itself; the report times copies of each base"
        )
    report = gather(store_path, run_id or _newest(store_path, base, variant))
    first, second = _row(report, base), _row(report, variant)
    for setup in report.setups:
        found = _estimate(first, second, setup)
        if found is not None:
            estimate, against = found
            machine = str(report.run.machine.get("class", ""))
            medians = _medians(first, second, setup)
            rule = latency_rule(report, f"wall:{setup.key}")
            return TimedPair(report.run.id, machine, setup, rule, estimate, against, medians)
    raise PairError(
        f"run {report.run.id} timed {base} and {variant} neither beside each other nor beside one base; "
        "time both in one run",
        nothing=True,
    )


def _newest(store_path: Path, base: str, variant: str) -> str:
    """The newest run that holds both; the last one where none does."""
    with Store.open_readonly(store_path) as store:
        runs = [
            run
            for run in store.runs()
            if {base, variant} <= {record.name for record in run.variants}
        ]
    return runs[-1].id if runs else "latest"


def _row(report: Report, name: str) -> Row:
    found = report.row(name)
    if found is None:
        raise PairError(
            f"run {report.run.id} has no variant {name}; name another by --run", nothing=True
        )
    return found


def _estimate(base: Row, variant: Row, setup: Setup) -> tuple[Estimate, str] | None:
    ours, theirs = _logs(variant, setup), _logs(base, setup)
    if variant.baseline == base.name and ours:
        return ratio(ours), ""
    if base.baseline == variant.name and theirs:
        return ratio([[-log for log in logs] for logs in theirs]), ""
    if not variant.baseline or variant.baseline != base.baseline or not ours or not theirs:
        return None
    reference, samples = (
        Side(tuple(median_interval(logs).value for logs in each)) for each in (theirs, ours)
    )
    apart = difference(reference, samples)
    low, high = math.exp(apart.low), math.exp(apart.high) if apart.high < math.inf else math.inf
    return replace(
        apart, value=math.exp(apart.value), low=low, high=high, basis="processes"
    ), variant.baseline


def _logs(row: Row, setup: Setup) -> list[Sequence[float]]:
    """The rounds that count, as log-ratios to what they were timed beside, by process."""
    return [ratios for process in processes(row, setup, "wall") if (ratios := process.ratios())]


def _medians(base: Row, variant: Row, setup: Setup) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Milliseconds by process, of both; where one was timed beside the other, in the same processes."""
    if base.baseline == variant.name:
        ours, theirs = _medians(variant, base, setup)
        return theirs, ours
    timed = processes(variant, setup, "wall")
    own = tuple(median_interval(process.counted).value for process in timed)
    if variant.baseline == base.name:
        beside = tuple(
            median_interval([p.base[place] for place in p.kept]).value for p in timed if p.base
        )
        return beside, own
    return tuple(
        median_interval(process.counted).value for process in processes(base, setup, "wall")
    ), own

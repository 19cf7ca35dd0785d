"""The latency of two variants against each other, by the rounds that a run timed beside their bases."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports.compare.family import Family, family_in
from reports.compare.pair import PairError
from reports.model import Report, Row, Setup
from reports.run.gather import gather
from reports.run.judge import latency_rule
from reports.run.latency import processes
from suite.stats.difference import Side, difference
from suite.stats.intervals import Estimate, median_interval, ratio
from suite.stats.verdict import Rule
from suite.store import Store

_Logs = list[Sequence[float]]


@dataclass(frozen=True, slots=True)
class TimedPair:
    """The ratio of the variant's time to the base's, and how each process saw both."""

    run: str
    machine: str
    setup: Setup
    rule: Rule
    estimate: Estimate
    against: str  # what both were timed beside, "" where the base itself
    # milliseconds by process: of the base, of the variant
    medians: tuple[tuple[float, ...], tuple[float, ...]]
    family: Family


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
    base_row, variant_row = _row(report, base), _row(report, variant)
    for setup in report.setups:
        compared = _estimate(base_row, variant_row, setup)
        if compared is not None:
            estimate, against = compared
            return TimedPair(
                report.run.id,
                str(report.run.machine.get("class", "")),
                setup,
                latency_rule(report, f"wall:{setup.key}"),
                estimate,
                against,
                _medians(base_row, variant_row, setup),
                family_in(report, base, variant, f"wall:{setup.key}"),
            )
    raise PairError(
        f"run {report.run.id} timed {base} and {variant} neither beside each other nor beside one base; "
        "time both in one run",
        nothing=True,
    )


def _newest(store_path: Path, base: str, variant: str) -> str:
    """The newest run that holds both; the last one where none does."""
    with Store.open_readonly(store_path) as store:
        names = [(run.id, {record.name for record in run.variants}) for run in store.runs()]
    both = [run_id for run_id, known in names if {base, variant} <= known]
    return both[-1] if both else "latest"


def _row(report: Report, name: str) -> Row:
    row = report.row(name)
    if row is None:
        raise PairError(
            f"run {report.run.id} has no variant {name}; name another by --run", nothing=True
        )
    return row


def _estimate(base: Row, variant: Row, setup: Setup) -> tuple[Estimate, str] | None:
    """The ratio of the times, and what both were timed beside ("" where one of the two); None where nothing was."""
    ours, theirs = _logs(variant, setup), _logs(base, setup)
    if variant.baseline == base.name and ours:
        return ratio(ours), ""
    if base.baseline == variant.name and theirs:
        return ratio([[-log for log in logs] for logs in theirs]), ""
    is_beside_one_base = bool(variant.baseline) and variant.baseline == base.baseline
    if is_beside_one_base and ours and theirs:
        return _through_the_base(theirs, ours), variant.baseline
    return None


def _through_the_base(base: _Logs, variant: _Logs) -> Estimate:
    """The ratio of two networks that were timed beside the same third, each process one sample of its logarithm."""
    reference, samples = (
        Side(tuple(median_interval(logs).value for logs in side)) for side in (base, variant)
    )
    logs = difference(reference, samples)
    high = math.exp(logs.high) if logs.high < math.inf else math.inf
    return replace(
        logs, value=math.exp(logs.value), low=math.exp(logs.low), high=high, basis="processes"
    )


def _logs(row: Row, setup: Setup) -> _Logs:
    """The rounds that count, as log-ratios to what they were timed beside, by process."""
    rounds = [process.ratios() for process in processes(row, setup, "wall")]
    return [ratios for ratios in rounds if ratios]


def _medians(base: Row, variant: Row, setup: Setup) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Milliseconds by process, of both; where one was timed beside the other, in the same processes."""
    if base.baseline == variant.name:
        ours, theirs = _medians(variant, base, setup)
        return theirs, ours
    timed = processes(variant, setup, "wall")
    medians = tuple(median_interval(process.counted).value for process in timed)
    if variant.baseline == base.name:
        beside = [process.counted_base for process in timed]
        return tuple(median_interval(rounds).value for rounds in beside if rounds), medians
    apart = processes(base, setup, "wall")
    return tuple(median_interval(process.counted).value for process in apart), medians

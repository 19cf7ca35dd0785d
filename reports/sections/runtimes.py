"""What each runtime makes of each variant: one table for the processor and one for each GPU, never both in one."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.model import Item, Judged, Report, Row, Setup
from reports.run.judge import latency_rule
from reports.run.latency import milliseconds, setup_of
from reports.section import Section
from reports.table import interval
from reports.words import CALLS, MARKS, number
from suite.metrics.evidence.timing import Timing
from suite.metrics.speed.kept import kept_ratios
from suite.record import Measurement
from suite.stats.intervals import Estimate, median_interval, ratio

_TIMES, _EAGER_TIMES = "latency_wall_ms", "latency_eager_wall_ms"


@dataclass(frozen=True, slots=True)
class Cell:
    """One variant in one runtime: milliseconds, over the base, over eager mode; or why there is nothing."""

    ms: str = ""
    base: str = ""
    call: str = ""
    eager: str = ""
    tip: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The runtimes of one device as columns, the variants as rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Row, tuple[Cell, ...]], ...]
    fastest: str


def build(report: Report) -> Section:
    """A matrix for each device that another runtime than eager was timed on, and what is not here."""
    title = "Runtimes"
    absent = _absent(report)
    devices = dict.fromkeys(_device(setup) for setup in report.setups if not setup.eager)
    matrices = [_matrix(report, device) for device in devices]
    if not matrices and not absent:
        return Section(
            "runtimes", title, title, missing="Nothing but eager mode was asked for in this run."
        )
    return Section(
        "runtimes",
        title,
        title,
        "Median milliseconds of a batch, as deployed. Below: over the base in the same runtime, with the "
        "interval that decides, and over the same variant in eager mode, which took part in the same rounds at the "
        "same precision (beside int8 in fp32). Every session was proved equal to eager mode before it was timed.",
        {"matrices": matrices, "absent": absent},
    )


def _device(setup: Setup) -> str:
    """What a setup runs on, as its title begins."""
    return setup.title.partition(",")[0]


def _matrix(report: Report, device: str) -> Matrix:
    setups = [setup for setup in report.setups if _device(setup) == device]
    columns = tuple(_column(setup, device) for setup in setups)
    rows = [(row, tuple(_cell(report, row, setup) for setup in setups)) for row in report.rows]
    timed = tuple((row, cells) for row, cells in rows if any(c.ms or c.why for c in cells))
    return Matrix(device, columns, timed, _fastest(report, setups, columns))


def _column(setup: Setup, device: str) -> str:
    name = setup.title.removeprefix(f"{device}, ")
    return f"eager, {name}" if setup.eager else name


def _cell(report: Report, row: Row, setup: Setup) -> Cell:
    times = milliseconds(row, report.rows, setup, "wall")
    if not times:
        return Cell(why=_why(row, setup))
    judged = row.judged.get(f"wall:{setup.key}")
    eager = _to_eager(row, setup)
    return Cell(
        number(median_interval(times).value, 2),
        _against_base(judged),
        CALLS[judged.verdict.word] if judged else "",
        f"×{number(eager.value, 2)} of eager" if eager else "",
        judged.verdict.sentence if judged else "",
    )


def _against_base(judged: Judged | None) -> str:
    if judged is None:
        return ""
    mark = MARKS[CALLS[judged.verdict.word]]
    return f"{mark} ×{number(judged.estimate.value, 3)} ({interval(judged.deciding, ratio=True)})"


def _to_eager(row: Row, setup: Setup) -> Estimate | None:
    """The ratio to eager mode, from the rounds that both took part in."""
    eager = _by_replica(row, setup, _EAGER_TIMES)
    other = _by_replica(row, setup, _TIMES)
    both = [(other[replica], eager[replica]) for replica in other if replica in eager]
    return ratio([kept_ratios(times, reference) for times, reference in both]) if both else None


def _by_replica(row: Row, setup: Setup, metric: str) -> dict[int | None, Measurement]:
    items = [item for item in row.find(metric) if item.measurement.samples]
    return {item.job.replica: item.measurement for item in items if _is_of(item, setup)}


def _is_of(item: Item, setup: Setup) -> bool:
    return setup_of(item).key == setup.key


def _why(row: Row, setup: Setup) -> str:
    """Why a cell is empty, in a word; the sentences stand below the table, or among the failures."""
    if any(_is_of(item, setup) for item in row.find(_TIMES)):
        return "not here"
    return "failed" if any(failure.kind == "latency" for failure in row.failures) else ""


def _fastest(report: Report, setups: Sequence[Setup], columns: Sequence[str]) -> str:
    """Which column was fastest for the baseline, in a sentence."""
    base = report.baseline
    if base is None:
        return ""
    times = [milliseconds(base, report.rows, setup, "wall") for setup in setups]
    medians = {
        column: median_interval(rounds).value
        for column, rounds in zip(columns, times, strict=True)
        if rounds
    }
    if len(medians) < 2:
        return ""
    first = min(medians, key=lambda column: medians[column])
    floor = max(latency_rule(report, f"wall:{setup.key}").floor for setup in setups)
    most = medians[first] * (1 + floor)
    beside = [column for column, ms in medians.items() if column != first and ms <= most]
    also = f", and {', '.join(beside)} within {100 * floor:.1f} % of it" if beside else ""
    return f"{base.name} is fastest in {first}: {number(medians[first], 2)} ms{also}."


def _absent(report: Report) -> tuple[tuple[str, str], ...]:
    """What the protocol names and this machine lacks: known before, or found out when it was opened."""
    stated = report.run.protocol_json.get("not_here")
    reasons: dict[str, str] = {}
    if isinstance(stated, dict):
        reasons = {lacking: str(why) for lacking, why in stated.items()}
    for item in (item for row in report.rows for item in row.find(_TIMES)):
        why = item.evidence(Timing).not_here
        if why:
            reasons.setdefault(setup_of(item).title, why)
    return tuple(reasons.items())

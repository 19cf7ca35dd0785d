"""The one table that a run ends with, read back from the store."""

import statistics
from pathlib import Path

from reports.model import Report, Row
from reports.run.gather import gather
from suite.cli.output import table
from suite.record import Json
from suite.stats.intervals import Estimate

COLUMNS = ("VARIANT", "AP50", "SEEDS", "DELTA AP50", "PARAMS", "GMACS", "LATENCY", "STATUS")


def read(store: Path, run_id: str) -> list[dict[str, Json]]:
    """One record for each variant of the run; what there is no number for is None."""
    report = gather(store, run_id)
    return [_record(report, row) for row in report.rows]


def show(records: list[dict[str, Json]]) -> None:
    """The records as a table."""
    table(COLUMNS, [_cells(record) for record in records])


def _record(report: Report, row: Row) -> dict[str, Json]:
    ap50 = row.seeds("ap50")
    timed = row.judged.get(f"wall:{report.setups[0].key}") if report.setups else None
    compared = row.judged.get("ap50")
    return {
        "variant": row.name,
        "baseline": row.baseline,
        "ap50_mean": statistics.mean(ap50) if ap50 else None,
        "ap50_sd": statistics.stdev(ap50) if len(ap50) > 1 else None,
        "seeds": len(ap50),
        "ap50_delta": _interval(compared.deciding) if compared else None,
        "params": row.exact("params"),
        "gmacs": row.exact("gmacs"),
        "latency_ratio": _interval(timed.deciding) if timed else None,
        "state": row.state,
        "failures": [
            {"job": failed.kind, "stage": failed.failure.stage, "code": failed.failure.code}
            for failed in row.failures
            if failed.failure
        ],
    }


def _interval(estimate: Estimate) -> list[Json]:
    """Value, low and high; bounds that are not finite are None."""
    return [
        estimate.value,
        *(bound if abs(bound) != float("inf") else None for bound in (estimate.low, estimate.high)),
    ]


def _cells(record: dict[str, Json]) -> tuple[object, ...]:
    params, gmacs = record["params"], record["gmacs"]
    return (
        record["variant"],
        _ap50(record["ap50_mean"], record["ap50_sd"]),
        record["seeds"] or "",
        _first(record["ap50_delta"], "{:+.3f}"),
        int(params) if isinstance(params, int | float) else "",
        "" if gmacs is None else f"{gmacs:.4g}",
        _first(record["latency_ratio"], "×{:.3f}"),
        _status(record),
    )


def _ap50(mean: Json, spread: Json) -> str:
    if mean is None:
        return ""
    return f"{mean:.3f}" if spread is None else f"{mean:.3f} ± {spread:.3f}"


def _first(interval: Json, form: str) -> str:
    return form.format(interval[0]) if isinstance(interval, list) else ""


def _status(record: dict[str, Json]) -> str:
    failures = record["failures"]
    assert isinstance(failures, list)
    if not failures:
        return str(record["state"])
    named = {
        f"{failure['stage']} {failure['code']}" for failure in failures if isinstance(failure, dict)
    }
    return f"failed: {', '.join(sorted(named))}"

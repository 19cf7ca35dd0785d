"""The evidence that a training's accuracy carries, as means over the seeds; what is absent or misshapen is left out."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TypeGuard

from reports.model import Row
from suite.record import Json


def mean_by_class(row: Row, metric: str, *path: str) -> dict[str, float]:
    """A number for each class, from the notes of a metric at a path of keys; classes without objects are left out."""
    tables = [_at(item.measurement.notes, path) for item in row.find(metric)]
    found: dict[str, list[float]] = {}
    for table in tables:
        for name, value in table.items() if isinstance(table, dict) else ():
            if _is_number(value):
                found.setdefault(name, []).append(float(value))
    return {name: fmean(values) for name, values in found.items()}


def mean_curve(row: Row, metric: str, *path: str) -> tuple[float, ...]:
    """A curve that every seed has at the same places; empty where there is none."""
    curves = [_numbers(_at(item.measurement.notes, path)) for item in row.find(metric)]
    curves = [curve for curve in curves if curve]
    if not curves or len({len(curve) for curve in curves}) != 1:
        return ()
    return tuple(fmean(values) for values in zip(*curves, strict=True))


def counted(row: Row, metric: str) -> float | None:
    """The mean number of cases that a metric's notes count."""
    counts = [
        float(n)
        for item in row.find(metric)
        if _is_number(n := item.measurement.notes.get("count"))
    ]
    return fmean(counts) if counts else None


def reliability(row: Row) -> tuple[tuple[float, float], ...]:
    """(mean score, precision) of each bin of scores, over the detections of all seeds."""
    sums: dict[float, list[float]] = {}
    for item in row.find("calibration_error"):
        bins = item.measurement.notes.get("bins")
        for one in bins if isinstance(bins, list) else ():
            values = _numbers(one)
            if len(values) == 5:
                low, _, count, score, precision = values
                total = sums.setdefault(low, [0.0, 0.0, 0.0])
                for place, value in enumerate((1.0, score, precision)):
                    total[place] += count * value
    return tuple((score / n, true / n) for _, (n, score, true) in sorted(sums.items()) if n > 0)


def evaluator_words(rows: Sequence[Row]) -> str:
    """Who computed COCO's numbers, and who vouches for them; "" where nothing says so."""
    notes = [item.measurement.notes for row in rows for item in row.find("ap")]
    names = {note["evaluator"] for note in notes if "evaluator" in note}
    if names == {"pycocotools"}:
        return "COCO's numbers are pycocotools' own."
    proofs = [proof for note in notes if isinstance(proof := note.get("agreement"), dict)]
    if proofs:
        apart = max(
            float(d) for proof in proofs if _is_number(d := proof.get("largest_difference"))
        )
        words = f"{proofs[0].get('with')} {'to the last bit' if apart == 0 else f'to {apart:.0e}'}"
        return f"COCO's numbers are those of the fast evaluator, which equals {words} on all twelve in its run."
    if names:
        return "COCO's numbers are those of the fast evaluator; none of this run's was compared with pycocotools."
    return ""


def _at(notes: Mapping[str, Json], path: Sequence[str]) -> Json:
    found: Json = dict(notes)
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _numbers(values: Json) -> tuple[float, ...]:
    if not isinstance(values, list):
        return ()
    numbers = tuple(float(value) for value in values if _is_number(value))
    return numbers if len(numbers) == len(values) else ()


def _is_number(value: Json) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""How sure each verdict is, and what of the doubt lies in the seeds and what in the test pictures."""

from collections.abc import Iterator
from dataclasses import dataclass

from reports.model import Judged, Report, Row
from reports.words import counted
from suite.stats.bootstrap import RESAMPLES
from suite.stats.intervals import Estimate
from suite.stats.power import MOST_UNITS
from suite.stats.verdict import p_text

_TITLES = {"ap": "AP", "ap50": "AP50"}


@dataclass(frozen=True, slots=True)
class Certainty:
    """One comparison as the table of evidence shows it.

    `figures` are texts, "" where one means nothing: p plain, after Holm, and of a difference beyond the floor (two
    one-sided tests); the share of the doubt that lies in the test pictures; the units that would settle it; the power
    for the floor and for the difference that was seen.
    """

    metric: str
    word: str
    sentence: str
    figures: tuple[str, str, str, str, str, str, str]


def certainties(report: Report, row: Row) -> Iterator[Certainty]:
    """Every comparison of a variant that has a place in the verdict table, in its order."""
    titles = dict(_TITLES)
    for setup in report.setups:
        titles[f"wall:{setup.key}"] = f"Latency, {setup.title}"
        titles[f"cpu:{setup.key}"] = f"CPU time, {setup.title}"
    for key, comparison in row.judged.items():
        if key in titles:
            yield _certainty(titles[key], comparison)


def _certainty(metric: str, judged: Judged) -> Certainty:
    estimate, verdict = judged.estimate, judged.verdict
    p = holm = equivalent = floor = seen = ""
    if verdict.power is not None:  # else there was nothing to test with
        p, holm = _short(estimate.p), _short(judged.p_adjusted)
        equivalent = _short(verdict.p_equivalent)
        floor, seen = _percent(verdict.power.floor), _percent(verdict.power.seen)
    doubt, needed = doubt_words(estimate), needed_words(verdict.needed)
    figures = (p, holm, equivalent, doubt, needed, floor, seen)
    return Certainty(metric, verdict.word, verdict.sentence, figures)


def _short(p: float) -> str:
    return p_text(p).replace("below ", "<")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def doubt_words(estimate: Estimate) -> str:
    """The share of the squared standard error that lies in the choice of the test pictures; "" where it is unknown."""
    if estimate.basis != "pictures and seeds" or estimate.error == 0:
        return ""
    return _percent(estimate.pictures / estimate.error**2)


def needed_words(needed: int | None) -> str:
    """Seeds or processes a side, as a cell shows them."""
    if needed is None:
        return ""
    return f"{MOST_UNITS}+" if needed >= MOST_UNITS else str(needed)


def chance_words(report: Report) -> str:
    """Which sources of chance the intervals of accuracy hold; "" where nothing was trained."""
    trainings = [item for row in report.rows for item in row.find("ap") if item.measurement.samples]
    keys = {item.job.key for item in trainings}
    if not keys:
        return ""
    known = [report.resamples[key] for key in keys if key in report.resamples]
    if not known:
        return (
            "Intervals of accuracy hold the spread of the seeds only: no matches of detections are stored, so the "
            "choice of the test pictures is not in them."
        )
    pictures = counted(known[0].pictures, "test picture")
    resamples = f"{RESAMPLES:,} resamples"
    if _is_of_pictures_alone(report):
        return (
            f"Intervals marked * hold the choice of the {pictures} alone ({resamples}): one training says "
            "nothing of what another seed would give."
        )
    both = (
        "Intervals of AP, AP50 and AP75 hold the spread of the seeds and the choice of the "
        f"{pictures} ({resamples})"
    )
    missing = len(keys) - len(known)
    if missing:
        return f"{both}, but where matches are missing: {missing} of {len(keys)} trainings."
    return f"{both}."


def _is_of_pictures_alone(report: Report) -> bool:
    """Whether any comparison has one training a side, and so no spread of seeds."""
    comparisons = [judged for row in report.rows for judged in row.judged.values()]
    return any(judged.estimate.basis == "pictures" for judged in comparisons)

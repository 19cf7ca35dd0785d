"""How sure each verdict is, and what of the doubt lies in the seeds and what in the test pictures."""

from collections.abc import Iterator
from dataclasses import dataclass

from reports.model import Judged, Report, Row
from reports.words import counted
from suite.stats.bootstrap import RESAMPLES
from suite.stats.intervals import Estimate
from suite.stats.power import MOST_UNITS
from suite.stats.verdict import p_text


@dataclass(frozen=True, slots=True)
class Certainty:
    """One comparison as the table of evidence shows it; "" where a figure means nothing."""

    metric: str
    word: str
    sentence: str
    p: str  # plain
    holm: str
    equivalent: str  # p of the two one-sided tests
    pictures: str  # share of the squared standard error
    needed: str
    power: tuple[str, str]  # for the floor, for the difference that was seen


def certainties(report: Report, row: Row) -> Iterator[Certainty]:
    """Every comparison of a variant that has a place in the verdict table, in its order."""
    titles = {"ap": "AP", "ap50": "AP50"}
    for setup in report.setups:
        titles[f"wall:{setup.key}"] = f"Latency, {setup.title}"
        titles[f"cpu:{setup.key}"] = f"CPU time, {setup.title}"
    return (_certainty(titles[key], found) for key, found in row.judged.items() if key in titles)


def _certainty(metric: str, found: Judged) -> Certainty:
    estimate, verdict = found.estimate, found.verdict
    tested = verdict.power is not None
    return Certainty(
        metric=metric,
        word=verdict.word,
        sentence=verdict.sentence,
        p=_short(estimate.p) if tested else "",
        holm=_short(found.p_adjusted) if tested else "",
        equivalent=_short(verdict.p_equivalent) if tested else "",
        pictures=doubt_words(estimate),
        needed=needed_words(verdict.needed),
        power=(f"{100 * verdict.power.floor:.0f} %", f"{100 * verdict.power.seen:.0f} %")
        if verdict.power
        else ("", ""),
    )


def _short(p: float) -> str:
    return p_text(p).replace("below ", "<")


def doubt_words(estimate: Estimate) -> str:
    """The share of the squared standard error that lies in the choice of the test pictures; "" where it is unknown."""
    if estimate.basis != "pictures and seeds" or estimate.error == 0:
        return ""
    return f"{100 * estimate.pictures / estimate.error**2:.0f} %"


def needed_words(needed: int | None) -> str:
    """Seeds or processes a side, as a cell shows them."""
    return "" if needed is None else f"{MOST_UNITS}+" if needed >= MOST_UNITS else str(needed)


def chance_words(report: Report) -> str:
    """Which sources of chance the intervals of accuracy hold; "" where nothing was trained."""
    keys = {
        item.job.key for row in report.rows for item in row.find("ap") if item.measurement.samples
    }
    known = [report.resamples[key] for key in keys if key in report.resamples]
    if not keys:
        return ""
    if not known:
        return (
            "Intervals of accuracy hold the spread of the seeds only: no matches of detections are stored, so the "
            "choice of the test pictures is not in them."
        )
    pictures = counted(known[0].pictures, "test picture")
    if any(
        found.estimate.basis == "pictures" for row in report.rows for found in row.judged.values()
    ):
        return (
            f"Intervals marked * hold the choice of the {pictures} alone ({RESAMPLES:,} resamples): one training says "
            "nothing of what another seed would give."
        )
    words = (
        f"Intervals of AP, AP50 and AP75 hold the spread of the seeds and the choice of the {pictures} "
        f"({RESAMPLES:,} resamples)"
    )
    missing = len(keys) - len(known)
    return (
        f"{words}, but where matches are missing: {missing} of {len(keys)} trainings."
        if missing
        else f"{words}."
    )

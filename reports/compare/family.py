"""Among how many comparisons a pair is judged: those of the run whose report shows it too, or on its own."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from reports.model import Report
from reports.run.gather import gather
from suite.store import RunRecord, Store


@dataclass(frozen=True, slots=True)
class Family:
    """The comparisons that a reader sees together: how many, this one's p among them, and whose report shows them.

    `p_adjusted` is None for a comparison that stands alone.
    """

    size: int = 1
    p_adjusted: float | None = None
    run: str = ""

    @property
    def words(self) -> str:
        """What is said of it."""
        if self.size == 1:
            return "on its own"
        return f"among the {self.size} comparisons of run {self.run}"


def family_in(report: Report, base: str, variant: str, key: str) -> Family:
    """The family of a pair in a report that compares one of the two with the other."""
    for name, other in ((variant, base), (base, variant)):
        row = report.row(name)
        judged = row.judged.get(key) if row and row.baseline == other else None
        if judged is not None:
            size = sum(key in each.judged for each in report.rows)
            return Family(size, judged.p_adjusted, report.run.id)
    return Family()


def family_of_trainings(
    store_path: Path,
    base: tuple[str, Collection[str]],
    variant: tuple[str, Collection[str]],
    metric: str,
) -> Family:
    """The family of two sets of trainings: of the newest run that compares exactly these.

    Args:
        store_path: the store's file.
        base: the name, and the keys of its trainings.
        variant: likewise.
        metric: what is compared.
    """
    with Store.open_readonly(store_path) as store:
        runs = tuple(reversed(store.runs()))
    for run in runs:
        if all(_trained(run, name) == set(keys) for name, keys in (base, variant)):
            return family_in(gather(store_path, run.id), base[0], variant[0], metric)
    return Family()


def _trained(run: RunRecord, name: str) -> set[str]:
    """The keys of a variant's trainings in a run that have a result."""
    jobs = (job for job in run.jobs if job.variant == name and job.kind == "train")
    return {job.key for job in jobs if job.status == "done"}

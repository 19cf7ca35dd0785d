"""Whether the trainings of a run used the same budget on the same pictures, which comparisons take for granted."""

from reports.model import Report, Row
from reports.words import compact, counted
from suite.stats.budget import METRIC, Used, budget_difference, used


def unequal_budget(report: Report, row: Row) -> str:
    """Why the accuracy of a variant may not be compared with its base's; "" if it may."""
    base = report.row(row.baseline)
    return budget_difference(_by_seed(row), _by_seed(base)) if base else ""


def stated_budget(report: Report) -> str:
    """What every training of the run was given and what shows that it was the same for all; "" if nothing says so."""
    trained = [_by_seed(row) for row in report.rows]
    budgets = sorted({training.stated for by_seed in trained for training in by_seed.values()})
    if not budgets:
        return ""
    if len(budgets) > 1 or any(unequal_budget(report, row) for row in report.rows):
        return f"Unequal budgets: {' or '.join(budgets)}. Where they differ from the base's, nothing is compared."
    if not _same_pictures(trained):
        return f"Equal budget: {budgets[0]} ({_spread(trained)})."
    return (
        f"Equal budget: {budgets[0]} ({_spread(trained)}); for each seed the same pictures in the same order with the "
        "same augmentation, by a checksum of every batch."
    )


def _by_seed(row: Row) -> dict[int, Used]:
    trained = [(item.job.seed or 0, used(item.measurement.notes)) for item in row.find(METRIC)]
    return {seed: training for seed, training in trained if training is not None}


def _same_pictures(trained: list[dict[int, Used]]) -> bool:
    """Of one seed: the trainings that had as many steps saw the same."""
    seen: dict[tuple[int, int], set[str]] = {}
    for by_seed in trained:
        for seed, training in by_seed.items():
            seen.setdefault((seed, training.steps), set()).add(training.pictures)
    return all(len(pictures) == 1 for pictures in seen.values())


def _spread(trained: list[dict[int, Used]]) -> str:
    """What the trainings really used: steps and images where they are the same, from least to most otherwise."""
    every = [training for by_seed in trained for training in by_seed.values()]
    steps, flops = [training.steps for training in every], [training.flops for training in every]
    images = every[0].images
    work = f"{min(flops):.2g} to {max(flops):.2g} training FLOPs a variant"
    if min(steps) == max(steps):
        return f"{counted(steps[0], 'step')}, {compact(images)} images, {work}"
    return f"{min(steps):,} to {max(steps):,} steps, {work}"

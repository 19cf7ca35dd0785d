"""Which class of the data each output of a network is: found by name, since tables of one set differ in order."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from suite.cli.output import ExitCode, Refusal, say
from suite.datasets.split import Split
from suite.session.detectors import LoadedDetector
from suite.yaml.errors import few


def outputs_by_class(
    loaded: LoadedDetector, weights: Path, val: Split, *, by_place: bool
) -> tuple[int, ...] | None:
    """For each class of the data the network's output for it; None where both are in one order.

    Args:
        loaded: the network and the names of its classes.
        weights: their file, for messages.
        val: the data.
        by_place: whether names that differ are passed over.

    Raises:
        Refusal: the numbers of classes differ, or the names do and `by_place` is not set.
    """
    theirs, ours = tuple(category.name for category in val.categories), loaded.stated_names
    classes = loaded.model.classes
    if len(theirs) != classes:
        raise Refusal(
            ExitCode.USAGE,
            f"{weights}: scores {classes} classes, but {val.folder} has {len(theirs)}",
        )
    if theirs in {ours, loaded.class_names}:
        return None
    if not ours:
        say(f"warning: {weights} names no classes; those of {val.folder} are taken by place")
        return None
    if by_place:
        say(f"warning: {_both(val, theirs, ours)}; they are taken by place")
        return None
    if Counter(theirs) == Counter(ours):
        say(f"{_both(val, theirs, ours)}: one set of names, matched by name")
        return tuple(ours.index(name) for name in theirs)
    raise Refusal(
        ExitCode.USAGE,
        f"{weights}: {_both(val, theirs, ours)}; both must have the same names, in any order, or "
        "--classes-by-place takes the first for the first and so on",
    )


def _both(val: Split, theirs: Sequence[str], ours: Sequence[str]) -> str:
    if set(theirs) != set(ours):  # say where they differ, not how they begin
        theirs, ours = _only(theirs, ours), _only(ours, theirs)
    return f"{val.folder} names its classes {few(theirs)}, the weights {few(ours)}"


def _only(names: Sequence[str], others: Sequence[str]) -> list[str]:
    return [name for name in names if name not in others]

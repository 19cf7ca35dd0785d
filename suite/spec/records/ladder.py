"""Several variants in one file: the keys of a design and of its steps, and where on a ladder a variant stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.spec.records.vocabulary import DESIGNS
from suite.yaml.rules import needed, setting


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a `design: ladder`: on the one that is its baseline, or, as a `side` branch, beside the next."""

    ladder: str  # the name of its file
    title: str  # of the ladder
    step: str
    side: bool = False


@dataclass(frozen=True)
class Design:
    """What a file of several variants has beside the keys of a file of one."""

    name: str = setting(
        "", "what follows the base in the names of a design's variants", name=True, column="no"
    )
    design: str = setting("", "how the steps combine", choices=DESIGNS, column="no")
    steps: Sequence[object] = setting(
        (), "partial variants, each with a name", form="steps", column="no"
    )
    axes: Mapping[str, object] | None = setting(
        None,
        "values for `$placeholders`: a list, or a mapping of labels to values",
        form="axes", column="no",
    )  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What a step of a design has beside the keys of a file."""

    name: str = needed("what the step is called", name=True)
    on: str = setting("", "the step that this side branch of a ladder builds on", name=True)

"""The records of `match:`: whose cost a variant is scaled to, and, once that is done, how well it was met."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from suite.record import Json
from suite.spec.records.vocabulary import MATCH_BY, MATCH_METRICS, MATCH_TOLERANCE
from suite.yaml.mark import Mark
from suite.yaml.rules import needed, setting


@dataclass(frozen=True, slots=True)
class Solution:
    """The width that was found, and its evidence: both costs in `unit`, and the machine if they are times.

    All costs are those of the deployed form with 80 classes at 640 x 640.
    """

    width: float
    cost: float
    target: float
    unit: str
    machine: str = ""

    @property
    def residual(self) -> float:
        """What could not be reached, as a share of the target: above 0 where the variant costs more."""
        return self.cost / self.target - 1


@dataclass(frozen=True, slots=True)
class Match:
    """The variant is its base at the width at which it costs what `to` costs; before that nothing can be built.

    `mark` is where `to` is written.
    """

    metric: str = needed(
        "`flops` (multiply-adds), `params`, or `latency` (one image, one thread of the processor); "
        "all as deployed, with 80 classes at 640 × 640",
        choices=MATCH_METRICS,
    )
    to: str = needed(
        "the variant whose cost is met; differences refer to it",
        called="a variant's name", name=True,
    )  # fmt: skip
    tolerance: float = setting(
        MATCH_TOLERANCE,
        "how far off is good enough, as a share",
        high=1, above=True, as_written=True,
    )  # fmt: skip
    by: str = setting("width", "what is scaled", choices=MATCH_BY)
    solution: Solution | None = None
    mark: Mark | None = field(default=None, compare=False, metadata={"of": "to"})


def match_json(match: Match) -> Json:
    """What is matched, and the solution with its residual, as plain JSON."""
    keys = ("metric", "to", "by", "tolerance")
    facts: dict[str, Json] = {key: getattr(match, key) for key in keys}
    solution = match.solution
    if solution:
        facts["solution"] = {**asdict(solution), "residual": solution.residual}
    return facts


def match_of(architecture: Mapping[str, Any]) -> Match | None:
    """The match in the JSON of a variant's architecture, as `match_json` wrote it."""
    facts = architecture.get("match")
    if facts is None:
        return None
    stored = facts.get("solution")
    solution = None
    if stored:
        solution = Solution(**{each.name: stored[each.name] for each in fields(Solution)})
    return Match(facts["metric"], facts["to"], facts["tolerance"], facts["by"], solution)

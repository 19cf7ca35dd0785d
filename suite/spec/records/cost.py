"""The records of `match:`: whose cost a variant is scaled to, and, once that is done, by how much and how well."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from suite.record import Json
from suite.yaml.mark import Mark


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
    """The variant is its base at that width at which it costs what `to` costs; nothing can be built before it is found.

    `metric` is "flops", "params" or "latency"; `tolerance` is a share of the target.
    """

    metric: str
    to: str
    tolerance: float
    by: str = "width"
    solution: Solution | None = None
    mark: Mark | None = field(default=None, compare=False)


def match_json(match: Match) -> Json:
    """What is matched, and the solution with its residual, as plain JSON."""
    found: dict[str, Json] = {
        key: getattr(match, key) for key in ("metric", "to", "by", "tolerance")
    }
    solution = match.solution
    return found | (
        {"solution": {**asdict(solution), "residual": solution.residual}} if solution else {}
    )


def match_of(architecture: Mapping[str, Any]) -> Match | None:
    """The match in the JSON of a variant's architecture, as `match_json` wrote it."""
    found = architecture.get("match")
    if found is None:
        return None
    kept = found.get("solution")
    solution = (
        Solution(**{each.name: kept[each.name] for each in fields(Solution)}) if kept else None
    )
    return Match(found["metric"], found["to"], found["tolerance"], found["by"], solution)

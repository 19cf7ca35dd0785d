"""What a look at a data set found: the records between whoever looks and whoever shows. Loads nothing heavy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from suite.record import Json

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Shot:
    """A small picture to look at; `boxes` are x, y, width, height in its pixels, class index, whether it is meant."""

    name: str
    detail: str
    width: int
    height: int
    jpeg: str  # base64
    boxes: tuple[tuple[float, float, float, float, int, bool], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that whoever made the data may not know. An error stops a run, a note is no fault at all."""

    kind: str
    severity: Severity
    part: str  # train, val, or both
    count: int
    examples: tuple[str, ...]
    shots: tuple[Shot, ...] = ()

    @property
    def as_json(self) -> dict[str, Json]:
        """Without the pictures."""
        facts: dict[str, Json] = {
            "kind": self.kind,
            "severity": self.severity,
            "part": self.part,
            "count": self.count,
        }
        return facts | {"examples": list(self.examples)}


@dataclass(frozen=True, slots=True)
class Part:
    """Counts of one part.

    `sizes` are COCO's small, medium, large; `spread` has the 5th, 25th, 50th, 75th and 95th percentiles of the boxes:
    the root of their area as a share of the picture's, and their width over their height.
    """

    name: str
    pictures: int
    boxes: int
    crowds: int
    empty: int
    sizes: Mapping[str, int]
    per_picture: Mapping[str, int]
    spread: Mapping[str, tuple[float, ...]]
    classes: tuple[int, ...]  # boxes of each
    shots: tuple[Shot, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All of a data set."""

    name: str
    form: str
    fingerprint: str
    categories: tuple[str, ...]
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]

    def worst(self) -> Severity:
        """The gravest finding's severity."""
        severities = {finding.severity for finding in self.findings}
        order: tuple[Severity, ...] = ("error", "warning")
        return next((severity for severity in order if severity in severities), "note")

"""What a section module gives to the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from reports.model import Report


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page.

    `content` is what template `<id>.html.j2` reads under its own names; `missing` says why there is nothing to
    show, and then the section is but a line at the end of the page; `aid` is the one line on how to read it.
    """

    id: str
    title: str
    short: str  # in the navigation
    aid: str = ""
    content: Mapping[str, object] = field(default_factory=dict)
    missing: str = ""
    css: str = ""  # rules that depend on the content, such as one for each variant


@dataclass(frozen=True, slots=True)
class Value:
    """A cell of a table of numbers: the text, what stands small beneath it, what it says when pointed at."""

    text: str
    below: str = ""
    tip: str = ""


class Builder(Protocol):
    """A module of `reports.sections`."""

    def build(self, report: Report) -> Section:
        """The section of this run; never fails for lack of data."""
        ...

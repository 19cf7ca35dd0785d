"""What is wrong in a spec file, and where: one class, raised with every problem at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from suite.yaml.mark import Mark

SHOWN_CHOICES = 12
SHOWN_LETTERS = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. Codes: E0xx YAML, E1xx keys and types, E2xx names, blocks and options, E3xx after building.

    A code that begins with W is a warning, with N a notice: worth a word, and no reason to stop.
    `variant` names the one that a design's mistake shows in; the same mistake in the next one is the same problem.
    """

    mark: Mark | None
    code: str
    message: str
    hint: str = ""
    source_line: str = ""
    variant: str = field(default="", compare=False)

    @property
    def kind(self) -> str:
        """What to call it: error, warning or notice."""
        return {"W": "warning", "N": "notice"}.get(self.code[:1], "error")

    def __str__(self) -> str:
        where = f"{self.mark}: " if self.mark else ""
        hint = f"; {self.hint}" if self.hint else ""
        within = f" in {self.variant}" if self.variant else ""
        return f"{where}{self.kind} {self.code}{within}: {self.message}{hint}"

    def within(self, variant: str) -> "Problem":
        """The same, naming the variant it shows in unless the file that it points at is called so."""
        known = self.variant or (self.mark is not None and Path(self.mark.file).stem == variant)
        return self if known else replace(self, variant=variant)


class SpecError(ValueError):
    """A spec that cannot be used. `str()` gives one line a problem, the file's place first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def single(cls, mark: Mark | None, code: str, message: str, *, hint: str = "") -> "SpecError":
        """An error with one problem."""
        return cls([Problem(mark, code, message, hint)])


class NoMatchError(SpecError):
    """A pattern that fits no variant: not a mistake in a file, so a command gives it an exit code of its own."""


@dataclass(slots=True)
class Problems:
    """Collects problems, so that a reader can go on after the first.

    `sources` are the lines of each file, `variant` the one of several in a file that is being read.
    """

    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    variant: str = ""
    found: list[Problem] = field(default_factory=list)

    def add(self, mark: Mark | None, code: str, message: str, hint: str = "") -> None:
        """Keep one problem, with the line of the file that it points at."""
        problem = Problem(mark, code, message, hint, variant=self.variant)
        lines = self.sources.get(mark.file, ()) if mark else ()
        if mark and mark.line <= len(lines):
            problem = replace(problem, source_line=lines[mark.line - 1])
        self.found.append(problem)

    def raise_if_any(self) -> None:
        """Raises SpecError with all that was found, in the order of the files' lines."""
        if self.found:
            raise SpecError(sorted(self.found, key=_place))


def _place(problem: Problem) -> tuple[str, int, int]:
    mark = problem.mark
    return (mark.file, mark.line, mark.column) if mark else ("", 0, 0)


def first_line(error: BaseException) -> str:
    """What an error says first; its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def few(names: Iterable[object], most: int = 4) -> str:
    """The first of some names, and whether there are more."""
    listed = [str(name) for name in names]
    return ", ".join(listed[:most]) + (", ..." if len(listed) > most else "")


def quote(value: object) -> str:
    """A value as it appears in a message: quoted, control characters escaped, cut to one line's worth."""
    text = repr(value)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."


def suggest(word: str, choices: Iterable[str]) -> str:
    """The nearest choice as a question, or the choices themselves."""
    from difflib import get_close_matches  # only a mistake pays for this import

    names = sorted(choices)
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(word.lower()[:SHOWN_LETTERS], by_lower, n=1, cutoff=0.6)
    if close:
        return f"did you mean {by_lower[close[0]]!r}?"
    if not names:
        return "there are none"
    more = ", ..." if len(names) > SHOWN_CHOICES else ""
    return f"there are: {', '.join(names[:SHOWN_CHOICES])}{more}"

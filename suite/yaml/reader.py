"""Typed access to the nodes of a file: every mismatch becomes a problem and the reading goes on."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from suite.yaml.document import Items, Node, Scalar, Table, plain
from suite.yaml.errors import Problems, quote, suggest
from suite.yaml.mark import Mark


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values out of nodes; None stands for what has been reported."""

    problems: Problems

    def wrong(self, node: Node, expected: str) -> None:
        """Report a value of the wrong type, unless the value itself has been reported."""
        if not (isinstance(node, Scalar) and not node.sound):
            self.problems.add(node.mark, "E101", f"{expected}, not {_described(node)}")

    def table(self, node: Node, what: str, known: Collection[str] | None = None) -> Table | None:
        """A mapping whose keys are all known; unknown ones are reported, and skipped by who asks by name."""
        if not isinstance(node, Table):
            self.wrong(node, f"{what} is a mapping")
            return None
        if known is not None:
            for key, mark in node.keys.items():
                if key not in known:
                    hint = suggest(key, known)
                    self.problems.add(mark, "E102", f"unknown key {quote(key)}", hint)
        return node

    def items(self, node: Node, what: str) -> list[Node]:
        """The members of a sequence."""
        if isinstance(node, Items):
            return node.items
        self.wrong(node, f"{what} is a list")
        return []

    def word(self, node: Node, what: str) -> str | None:
        """A word that is not empty."""
        if (
            isinstance(node, Scalar)
            and node.sound
            and isinstance(node.value, str)
            and node.value.strip()
        ):
            return node.value
        self.wrong(node, f"{what} is a word")
        return None

    def text(self, node: Node, what: str) -> str | None:
        """One line of prose."""
        word = self.word(node, what)
        if word is not None and not word.isprintable():
            self.problems.add(
                node.mark, "E101", f"{what} is one line of printable text, not {quote(word)}"
            )
            return None
        return word

    def choice(self, node: Node, what: str, choices: Iterable[str]) -> str | None:
        """One of some words."""
        names = tuple(choices)
        word = self.word(node, what)
        if word is None or word in names:
            return word
        self.problems.add(
            node.mark, "E101", f"{what} cannot be {quote(word)}", suggest(word, names)
        )
        return None

    def whole(self, node: Node, what: str, *, low: int, high: int) -> int | None:
        """A whole number within bounds, both included."""
        value = node.value if isinstance(node, Scalar) and node.sound else None
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong(node, f"{what} is a whole number")
            return None
        return value if self.within(node.mark, what, value, low, high) else None

    def number(
        self, node: Node, what: str, *, low: float, high: float, above: bool = False
    ) -> float | None:
        """A finite number within bounds; `above` leaves the lower bound itself out."""
        value = node.value if isinstance(node, Scalar) and node.sound else None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.wrong(node, f"{what} is a number")
            return None
        if above and value == low:
            self.problems.add(node.mark, "E104", f"{what} is above {low:g}, not {value:g}")
            return None
        return value if self.within(node.mark, what, value, low, high) else None

    def within(self, mark: Mark, what: str, value: float, low: float, high: float) -> bool:
        """Whether a number lies within bounds; reported if not."""
        if low <= value <= high:
            return True
        self.problems.add(mark, "E104", f"{what} is from {low:g} to {high:g}, not {value:g}")
        return False

    def flag(self, node: Node, what: str) -> bool | None:
        """True or false."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.wrong(node, f"{what} is true or false")
        return None

    def several(self, node: Node) -> list[Node]:
        """A list's members, or the one value that stands for a list of one."""
        return node.items if isinstance(node, Items) else [node]


def _described(node: Node) -> str:
    if isinstance(node, Table):
        return "a mapping"
    if isinstance(node, Items):
        return "a list"
    value = plain(node)
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the word {quote(value)}"
    return repr(value) if f"{value:g}".isdigit() else f"{value:g}"  # 128.0 is not 128

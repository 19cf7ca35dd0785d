"""Why a selector matches nothing, and what it could have matched."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol, TypeAlias

from suite.spec.records.variant import Selector
from suite.yaml.errors import SHOWN_CHOICES, quote, suggest

SHOWN_CONDITIONS = 3


class Candidate(Protocol):
    """What the conditions of a selector are about: a layer, or a convolution inside one."""

    @property
    def part(self) -> str:
        """Backbone, neck or head."""

    @property
    def tags(self) -> Sequence[str]:
        """The names of the layer's outputs."""

    @property
    def stage(self) -> float:
        """The stride of the layer's output in pixels."""

    @property
    def block(self) -> str:
        """The address of the layer's block."""

    @property
    def kernel(self) -> object:
        """Its number, None where it has none; so with `stride` and `groups`."""

    @property
    def stride(self) -> object:
        """See `kernel`."""

    @property
    def groups(self) -> object:
        """See `kernel`."""

    @property
    def path(self) -> str:
        """The dotted address."""


_Values: TypeAlias = Callable[[Candidate], Sequence[object]]
_VALUES: dict[str, _Values] = {
    "part": lambda c: (c.part,),
    "tag": lambda c: c.tags,
    "stage": lambda c: (int(c.stage),) if c.stage else (),
    "block": lambda c: (c.block,),
    "kernel": lambda c: (c.kernel,),
    "stride": lambda c: (c.stride,),
    "groups": lambda c: (c.groups,),
    "path": lambda c: (c.path,),
}
_PATTERNS = frozenset({"block", "path"})


def fits(select: Selector, candidate: Candidate, *, without: str = "") -> bool:
    """Whether every condition holds; an empty one always does, as does the one that is left out."""
    for key in _VALUES:  # noqa: SIM110  (asked of every layer by every edit, so without a generator)
        if getattr(select, key) and key != without and not _holds(key, select, candidate):
            return False
    return True


def explain(select: Selector, candidates: Sequence[Candidate]) -> tuple[str, str]:
    """What is wrong with a selector that matches none of the candidates, and what would be right."""
    stated = [key for key in _VALUES if getattr(select, key)]
    strange = [key for key in stated if not _number_holding(key, select, candidates)]
    if strange:
        reasons = [f"none has `{key}: {_written(getattr(select, key))}`" for key in strange]
        return ", ".join(reasons), "; ".join(_choices(key, select, candidates) for key in strange)
    conditions = ", ".join(f"`{key}`" for key in stated)
    return f"none fits {conditions} together", _loosened(select, stated, candidates)


def _loosened(select: Selector, stated: Sequence[str], candidates: Sequence[Candidate]) -> str:
    """What a selector would match without one of its conditions; if still nothing, what each fits alone."""
    hints: list[str] = []
    for key in stated:
        count = sum(fits(select, candidate, without=key) for candidate in candidates)
        if count:
            hints.append(f"without `{key}` it would match {count}")
    if not hints:
        alone = {key: _number_holding(key, select, candidates) for key in stated}
        return ", ".join(f"`{key}` alone fits {count}" for key, count in alone.items())
    return ", ".join(hints[:SHOWN_CONDITIONS])


def _number_holding(key: str, select: Selector, candidates: Sequence[Candidate]) -> int:
    return sum(_holds(key, select, candidate) for candidate in candidates)


def _holds(key: str, select: Selector, candidate: Candidate) -> bool:
    wanted: tuple[object, ...] = getattr(select, key)
    if not wanted:
        return True
    values = _VALUES[key](candidate)
    if key in _PATTERNS:
        return any(fnmatchcase(str(value), str(pattern)) for value in values for pattern in wanted)
    return any(value in wanted for value in values)


def _choices(key: str, select: Selector, candidates: Sequence[Candidate]) -> str:
    """The values that there are, the nearest word first."""
    there = {value for c in candidates for value in _VALUES[key](c) if value is not None}
    numbers = sorted(value for value in there if isinstance(value, int))
    if numbers:
        return f"`{key}` is one of: {', '.join(map(str, numbers))}"
    shown = sorted(map(str, there))
    nearest = suggest(str(getattr(select, key)[0]), shown)
    if nearest.startswith("did") and len(shown) <= SHOWN_CHOICES:
        return f"{nearest} there are: {', '.join(shown)}"
    return nearest


def _written(values: Sequence[object]) -> str:
    shown = [
        value if isinstance(value, str) and value.isprintable() else quote(value)
        for value in values
    ]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"

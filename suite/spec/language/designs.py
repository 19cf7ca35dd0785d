"""One file, several variants: `axes` give values to placeholders, `design` says how `steps` combine.

This works on the tree of a file before it is decoded: what comes out are the tables of ordinary files, each of which
is carried out on the one before.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from suite.spec.language.axes import MAX_COPIED, fillings, size
from suite.spec.language.keys import FAMILY_KEYS, FILE_KEYS, STEP_KEYS
from suite.spec.records.ladder import Rung
from suite.spec.records.vocabulary import DESIGNS, MAX_MEMBERS, MAX_STEPS
from suite.yaml.document import Node, Scalar, Table, plain
from suite.yaml.errors import Problems, quote, suggest
from suite.yaml.mark import Mark
from suite.yaml.reader import Reader

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# designs in which a step is one variant, and can say what it costs
_ALONE = ("ladder", "one-at-a-time")


@dataclass(frozen=True, slots=True)
class Member:
    """One variant of a design: `chain` are its tables, the first on its own `base`, each other on the one before.

    `base` is the variant that differences refer to: for "without this step" the one with all steps.
    """

    name: str
    base: str
    chain: tuple[Table, ...]
    mark: Mark
    rung: Rung | None = None


def is_design(root: Node) -> bool:
    """Whether a file describes several variants."""
    return isinstance(root, Table) and not root.keys.keys().isdisjoint(("steps", "axes"))


def expand(root: Table, problems: Problems) -> tuple[Member, ...]:
    """The variants of a design, in order; what is wrong with the design itself is added to `problems`."""
    reader = Reader(problems)
    reader.table(
        root,
        "a design",
        FAMILY_KEYS if "steps" in root.entries else (*FILE_KEYS, "name", "axes", "design"),
    )
    promises = (
        reader.table(root.entries["expect"], "`expect` of a design")
        if "expect" in root.entries
        else None
    )
    members: list[Member] = []
    for filled in fillings(_without(root, "axes", "expect"), root.entries.get("axes"), reader):
        members += _Family(reader, filled).members()
        if len(members) > MAX_MEMBERS:
            problems.add(root.mark, "E005", f"more than {MAX_MEMBERS} variants in one file")
            break
        if sum(size(table) for member in members for table in member.chain) > MAX_COPIED:
            problems.add(
                root.mark,
                "E005",
                "the variants of this file, written out, are too much for one file",
            )
            return ()
        if problems.found:
            break  # the other values would only say the same
    if not problems.found:
        _check_names(members, reader)
    return _promised(members, promises, reader) if promises else tuple(members)


@dataclass(frozen=True, slots=True)
class _Family:
    """A design whose placeholders are filled in."""

    reader: Reader
    root: Table

    def members(self) -> list[Member]:
        base = self._word(self.root, "base", "a design needs `base`")
        entries = self.root.entries
        if "steps" not in entries:
            name = self._word(self.root, "name", "`axes` need `name`, such as k$kernels")
            if "design" in entries:
                self._add(
                    self.root.keys["design"],
                    "E105",
                    "`design` combines `steps`, and there are none",
                )
            if not base or not name:
                return []
            table = _without(self.root, "name", "design")
            return [Member(f"{base}_{name}", base, (table,), self.root.mark)]
        design = self._design()
        steps = self._steps(design)
        if not base or not design or not steps:
            return []
        combine: Callable[[str, dict[str, Table]], Iterator[Member]] = {
            "ladder": self._ladder,
            "one-at-a-time": self._one_at_a_time,
            "leave-one-out": self._leave_one_out,
            "factorial": self._factorial,
        }[design]
        return list(combine(base, steps))

    def _design(self) -> str | None:
        if "design" not in self.root.entries:
            self._add(
                self.root.keys["steps"],
                "E103",
                "`steps` need `design`",
                f"one of {', '.join(DESIGNS)}",
            )
            return None
        return self.reader.choice(self.root.entries["design"], "`design`", DESIGNS)

    def _steps(self, design: str | None) -> dict[str, Table]:
        """The steps by name; `on` belongs to ladders, `expect` and `match` where a step is a variant."""
        absent = {"on"} if design != "ladder" else set()
        absent |= {"expect", "match"} if design not in _ALONE else set()
        known = [key for key in STEP_KEYS if key not in absent]
        by_name: dict[str, Table] = {}
        nodes = self.reader.items(self.root.entries["steps"], "`steps`")
        for node in nodes[: MAX_STEPS + 1]:
            step = self.reader.table(node, "a step", known)
            name = self._word(step, "name", "a step needs `name`") if step else None
            if step and name:
                if name in by_name:
                    self._add(step.mark, "E208", f"the step {quote(name)} is there twice")
                by_name[name] = step
        if len(nodes) > MAX_STEPS:
            self._add(nodes[MAX_STEPS].mark, "E005", f"more than {MAX_STEPS} steps")
        return by_name

    def _ladder(self, base: str, steps: dict[str, Table]) -> Iterator[Member]:
        """Each on the one before; a step with `on` is a side branch, on which only another `on` builds."""
        below = base
        seen: list[str] = []
        for name, step in steps.items():
            on = self._word(step, "on", "") if "on" in step.entries else None
            if on and on not in seen:
                self._add(
                    step.entries["on"].mark,
                    "E204",
                    f"no step {quote(on)} before this one",
                    suggest(on, seen),
                )
            variant = self._own_name(base, name)
            under = self._own_name(base, on) if on else below
            rung = Rung(
                Path(self.root.mark.file).stem, self._shown_title(), name, side="on" in step.entries
            )
            yield Member(
                variant,
                under,
                (self._table(step, under, self._title(step, name)),),
                step.mark,
                rung,
            )
            below = below if "on" in step.entries else variant
            seen.append(name)

    def _one_at_a_time(self, base: str, steps: dict[str, Table]) -> Iterator[Member]:
        for name, step in steps.items():
            table = self._table(step, base, self._title(step, name))
            yield Member(self._own_name(base, name), base, (table,), step.mark)

    def _leave_one_out(self, base: str, steps: dict[str, Table]) -> Iterator[Member]:
        """All steps together, then all but each; those differ from the whole, not from the base."""
        family = self._word(
            self.root, "name", "`design: leave-one-out` needs `name`, that of all steps together"
        )
        if not family:
            return
        whole = f"{base}_{family}"
        if len(steps) < 2:
            self._add(
                self.root.entries["steps"].mark,
                "E105",
                "to leave one of the steps out, there must be two",
            )
        yield self._combined(whole, base, base, list(steps.values()), self._family_title())
        for name, step in steps.items():
            rest = [other for other in steps.values() if other is not step]
            title = self._family_title(f", without {name}")
            yield replace(
                self._combined(f"{whole}_without_{name}", base, whole, rest, title), mark=step.mark
            )

    def _factorial(self, base: str, steps: dict[str, Table]) -> Iterator[Member]:
        """Every choice of steps, in their order; all differ from the base."""
        if 2 ** len(steps) - 1 > MAX_MEMBERS:
            self._add(
                self.root.keys["steps"],
                "E005",
                f"{len(steps)} steps make more than {MAX_MEMBERS} variants",
            )
            return
        for number in range(1, len(steps) + 1):
            for names in combinations(steps, number):
                title = self._family_title(f": {', '.join(names)}")
                chosen = [steps[name] for name in names]
                yield self._combined(
                    self._own_name(base, "_".join(names)), base, base, chosen, title
                )

    def _combined(
        self, name: str, start: str, base: str, steps: Sequence[Table], title: Scalar | None
    ) -> Member:
        chain = tuple(self._table(step, start, title) for step in steps)
        return Member(name, base, chain, steps[-1].mark if steps else self.root.mark)

    def _own_name(self, base: str, change: str) -> str:
        family = self.root.entries.get("name")
        return f"{base}_{plain(family)}_{change}" if family else f"{base}_{change}"

    def _title(self, step: Table, name: str) -> Scalar | None:
        title = step.entries.get("title")
        return title if isinstance(title, Scalar) else self._family_title(f": {name}")

    def _shown_title(self) -> str:
        title = self._family_title()
        return str(title.value) if title else ""

    def _family_title(self, rest: str = "") -> Scalar | None:
        title = self.root.entries.get("title")
        if not isinstance(title, Scalar) or not isinstance(title.value, str):
            return None
        return title._replace(value=title.value + rest)

    def _table(self, step: Table, base: str, title: Scalar | None) -> Table:
        """A step as the table of an ordinary file."""
        entries, keys = dict(step.entries), dict(step.keys)
        for key in ("name", "on"):
            entries.pop(key, None)
            keys.pop(key, None)
        base_mark = self.root.entries["base"].mark
        family = {key: self.root.entries.get(key) for key in ("paper", "blocks")}
        defaults: dict[str, Node | None] = {"title": title, **family}
        for key, node in {"base": Scalar(base, base_mark), **defaults}.items():
            if node is not None and (key == "title" or key not in entries):
                entries[key] = node
                keys.setdefault(key, node.mark)
        return Table(entries, keys, step.mark)

    def _word(self, table: Table, key: str, lacking: str) -> str | None:
        """A word that can be part of a name; `lacking` is what is said where the key is absent."""
        node = table.entries.get(key)
        if node is None:
            self._add(table.mark, "E103", lacking)
            return None
        word = self.reader.word(node, f"`{key}`")
        if word is None or _NAME.fullmatch(word):
            return word
        self._add(
            node.mark,
            "E208",
            f"{quote(word)} cannot be part of a name",
            "letters, digits, '.', '_' and '-'",
        )
        return None

    def _add(self, mark: Mark, code: str, message: str, hint: str = "") -> None:
        self.reader.problems.add(mark, code, message, hint)


def _without(table: Table, *names: str) -> Table:
    return Table(
        {key: node for key, node in table.entries.items() if key not in names},
        {key: mark for key, mark in table.keys.items() if key not in names},
        table.mark,
    )


def _check_names(members: Sequence[Member], reader: Reader) -> None:
    seen: dict[str, str] = {}
    for member in members:
        twin = seen.setdefault(member.name.lower(), member.name)
        if twin is not member.name:
            hint = "name every axis and step in `name`"
            reader.problems.add(
                member.mark, "E208", f"the name {quote(member.name)} is made twice", hint
            )
            return


def _promised(members: Sequence[Member], promises: Table, reader: Reader) -> tuple[Member, ...]:
    """The members with what the design's `expect` says of each, by name."""
    by_name = {member.name: member for member in members}
    for name, node in promises.entries.items():
        if name not in by_name:
            reader.problems.add(
                promises.keys[name],
                "E204",
                f"no variant {quote(name)} here",
                suggest(name, by_name),
            )
            continue
        *before, last = by_name[name].chain
        if "expect" in last.entries:
            reader.problems.add(promises.keys[name], "E105", f"{name} has an `expect` of its own")
        table = Table(
            {**last.entries, "expect": node},
            {**last.keys, "expect": promises.keys[name]},
            last.mark,
        )
        by_name[name] = replace(by_name[name], chain=(*before, table))
    return tuple(by_name.values())

"""Which variants there are and where: a file each, or several in the file of a design."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suite.spec.language.decode import read_text, read_tree
from suite.spec.language.designs import Member, expand, is_design
from suite.yaml.document import Table, shown_path
from suite.yaml.errors import Problem, Problems, SpecError, quote
from suite.yaml.mark import Mark

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# a file without these words is no design, and need not be parsed to know its name
_SIGNS = ("steps", "axes")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a variant is described: a whole file, or one of the members of a design."""

    path: Path
    text: str | None = None  # None: it cannot be read, or need not be any more
    member: Member | None = None
    error: SpecError | None = None  # a design that cannot be expanded stands under its file's name


@dataclass(slots=True)
class Catalogue:
    """The entries by name; a file that is added later stands in for an earlier one of its name.

    `designs` are the names that each design's file gives; `sources` the lines of the files read so far.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    designs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    misnamed: list[Problem] = field(default_factory=list)
    sources: dict[str, Sequence[str]] = field(default_factory=dict)

    def add_folder(self, folder: Path) -> None:
        """All files below a folder; SpecError if it is none."""
        if not folder.is_dir():
            raise SpecError.single(
                Mark(shown_path(folder), 1, 1), "E006", "is no folder of variants"
            )
        taken: dict[str, Path] = {}
        for path in sorted(_yaml_files(folder)):
            if path.suffix != ".yaml" or not is_name(path.stem):
                hint = "letters, digits, '.', '_' and '-', then .yaml"
                mark = Mark(shown_path(path), 1, 1)
                self.misnamed.append(
                    Problem(mark, "E208", f"{quote(path.name)} cannot name a variant", hint)
                )
            else:
                self.add_file(path, taken)

    def add_beside(self, folder: Path) -> None:
        """All files below a folder, none of which stands in for another; those that are known already do not count.

        Raises:
            SpecError: other files have the names of some.
        """
        beside = Catalogue()
        beside.add_folder(folder)
        taken = {name.lower(): entry for name, entry in self._named().items()}
        problems = []
        for name, entry in beside._named().items():
            twin = taken.get(name.lower(), entry)
            if twin.path.resolve() != entry.path.resolve():
                problems.append(_taken(name, entry, twin.path))
        if problems:
            raise SpecError(problems)
        self.entries = beside.entries | self.entries
        self.designs = beside.designs | self.designs
        self.misnamed += beside.misnamed
        self.sources |= beside.sources

    def _named(self) -> dict[str, Entry]:
        """An entry for every name that one may ask for; a design's file has its first variant's."""
        designs = {
            stem: self.entries[names[0]]
            for stem, names in self.designs.items()
            if names[0] in self.entries
        }
        return designs | self.entries

    def add_file(self, path: Path, taken: dict[str, Path]) -> None:
        """One file's variants; `taken` are the names in small letters that the same folder has given already."""
        entries = self._entries(path)
        names = [name for name, entry in entries.items() if self._is_free(name, entry, taken)]
        for old in self.designs.pop(path.stem, ()) if names else ():
            self.entries.pop(old, None)
        for name in names:
            self.entries[name] = entries[name]
        if names and entries[names[0]].member:
            if path.stem not in names:  # one of them may be called like the file
                self.entries.pop(path.stem, None)
            self.designs[path.stem] = tuple(names)

    def _is_free(self, name: str, entry: Entry, taken: dict[str, Path]) -> bool:
        twin = taken.setdefault(name.lower(), entry.path)
        if twin is entry.path:
            return True
        self.misnamed.append(_taken(name, entry, twin))
        return False

    def _entries(self, path: Path) -> dict[str, Entry]:
        try:
            text = read_text(path)
        except SpecError:
            return {path.stem: Entry(path)}  # told when it is decoded
        alone = {path.stem: Entry(path, text)}
        if not any(sign in text for sign in _SIGNS):
            return alone
        file = shown_path(path)
        self.sources[file] = text.splitlines()
        problems = Problems(self.sources)
        try:
            root = read_tree(text, file, problems)
            if not isinstance(root, Table) or not is_design(root):
                return alone
            members = expand(root, problems)
            problems.raise_if_any()
        except SpecError as error:
            return {path.stem: Entry(path, error=error)}
        return {member.name: Entry(path, member=member) for member in members}


def is_name(text: str) -> bool:
    """Whether a variant can be called so."""
    return _NAME.fullmatch(text) is not None


def _taken(name: str, entry: Entry, twin: Path) -> Problem:
    mark = entry.member.mark if entry.member else Mark(shown_path(entry.path), 1, 1)
    message = f"the name {quote(name)} is taken by {shown_path(twin)}"
    return Problem(mark, "E208", message, "names are unique regardless of folder and case")


def _yaml_files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.lower().endswith((".yaml", ".yml")) and not name.startswith("."):
                yield Path(parent, name)

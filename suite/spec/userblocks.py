"""Blocks in a user's own Python files, which a spec names by `blocks`: read here, never run.

What a file's constructors take is read from its source like that of the suite's own blocks. Whether its code may run
is decided here too, by where it lies; it runs when a network is built (`suite.nn.classes`), and nowhere else.
"""

import ast
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from suite.spec.blocks.signatures import BlockSignature, Signatures, classes_of, signature_in
from suite.spec.language.decode import read_text
from suite.spec.records.blockfile import BlockFile
from suite.yaml.document import Node, Table, shown_path
from suite.yaml.errors import Problems, SpecError, quote
from suite.yaml.mark import Mark
from suite.yaml.reader import Reader

MAX_FILES = 16
Trust: TypeAlias = Callable[[Path, Path], bool]
"""Whether the code of a block file (the second) may run for a spec file (the first)."""


class Scope(Signatures):
    """The suite's blocks, those of a user's `files`, and those of `inherited`, asked for when nothing else is found."""

    def __init__(
        self,
        shipped: Signatures,
        files: Iterable[BlockFile],
        inherited: Callable[[], Iterable[BlockFile]] = lambda: (),
    ) -> None:
        super().__init__((), ())
        self._shipped = shipped
        self._files = {file.stem: file for file in files}
        self._inherited = inherited

    def get(self, address: str) -> BlockSignature:
        """The signature behind an address; SpecError (without a place) for a file or class that is not there."""
        stem = address.partition(".")[0]
        if stem not in self._files:
            try:
                return self._shipped.get(address)
            except SpecError:
                self._files = {file.stem: file for file in self._inherited()} | self._files
                if stem not in self._files:
                    raise
        file = self._files[stem]
        try:
            return signature_in(classes_of(file.source, file.path), address, "", Path(file.path))
        except (ValueError, RecursionError) as error:
            if isinstance(error, SpecError):
                raise
            message = f"{address} cannot be read: {error}"
            raise SpecError.single(
                None, "E201", message, hint="write its constructor out plainly"
            ) from None

    def addresses(self) -> tuple[str, ...]:
        """Every block, operator and head there is."""
        users = (
            f"{stem}.{name}"
            for stem, file in self._files.items()
            for name in classes_of(file.source, file.path)
        )
        return tuple(sorted((*self._shipped.addresses(), *filter(self._is_known, users))))

    def _is_known(self, address: str) -> bool:
        try:
            self.get(address)
        except SpecError:
            return False
        return True


def read_blocks(
    root: Node, spec: Path, trust: Trust | None, shipped: Signatures, problems: Problems
) -> list[BlockFile]:
    """The files that a spec's `blocks` names, relative to the spec itself; without `trust`, to be read only."""
    node = root.entries.get("blocks") if isinstance(root, Table) else None
    if node is None:
        return []
    reader = Reader(problems)
    files: dict[str, BlockFile] = {}
    items = reader.several(node)
    if len(items) > MAX_FILES:
        problems.add(node.mark, "E005", f"more than {MAX_FILES} block files")
    for item in items[:MAX_FILES]:
        word = reader.word(item, "a block file")
        file = _read(word, item.mark, spec, trust, problems) if word else None
        if file and file.stem in files:
            problems.add(item.mark, "E208", f"two block files are called {file.stem}")
        elif file and file.stem in shipped.stems():
            problems.add(
                item.mark,
                "E208",
                f"the suite has blocks in {file.stem}.py",
                "call the file something else",
            )
        elif file:
            files[file.stem] = file
    return list(files.values())


def merge_blocks(
    files: Iterable[BlockFile], others: Iterable[BlockFile], problems: Problems
) -> tuple[BlockFile, ...]:
    """Own and inherited block files; one name stands for one file, or its addresses would mean two things."""
    by_stem: dict[str, BlockFile] = {}
    for file in (*others, *files):
        twin = by_stem.setdefault(file.stem, file)
        if twin.source != file.source:
            message = f"{file.stem} is {shown_path(Path(twin.path))} in what this file builds on"
            problems.add(file.mark, "E208", message, "call the file something else")
    return tuple(by_stem.values())


def lies_in_project(spec: Path, file: Path) -> bool:
    """Whether both files are the user's own, in the project that the command was started in.

    They are below the working folder, belong to who runs the command, and the folder is no place where files of
    others come to lie: neither the root, nor the home folder, nor one that everybody may write to.
    """
    root = Path.cwd().resolve()
    if (
        root in {Path(root.anchor), Path("~").expanduser().resolve()}
        or root.stat().st_mode & stat.S_IWOTH
    ):
        return False
    paths = (spec.resolve(), file.resolve())
    return all(path.is_relative_to(root) and path.stat().st_uid == os.getuid() for path in paths)


def imported_modules(source: str) -> Iterator[str]:
    """Every module that an import statement of a block file may mean."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _read(
    word: str, mark: Mark, spec: Path, trust: Trust | None, problems: Problems
) -> BlockFile | None:
    path = Path(os.path.abspath(spec.parent / word))  # noqa: PTH100  (`..` goes, links stay: errors show the user's words)
    if path.suffix != ".py" or not path.stem.isidentifier() or path.stem.startswith("_"):
        problems.add(
            mark, "E208", f"{quote(word)} is no block file", "letters, digits and '_', then .py"
        )
        return None
    try:
        source = read_text(path)
        classes_of(source, str(path))
    except SpecError as error:
        reason = error.problems[0]
        problems.add(mark, reason.code, f"{shown_path(path)}: {reason.message}", reason.hint)
        return None
    trusted = trust is not None and trust(spec, path)
    if trust is not None and not trusted:
        hint = "read it, then add --allow-code"
        problems.add(
            mark,
            "E212",
            f"{shown_path(path)} is code from outside this project, and would run",
            hint,
        )
    return BlockFile(str(path), source, trusted=trusted, mark=mark)

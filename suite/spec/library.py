"""The variants of some folders: found by file name, decoded and resolved when asked for, each once."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from suite.shipped import SHIPPED
from suite.spec.blocks.signatures import Signatures, default_signatures
from suite.spec.catalogue import Catalogue, Entry, is_name
from suite.spec.language.decode import decode_tree, read_text, read_tree
from suite.spec.language.overrides import Override, override, override_text
from suite.spec.records.blockfile import BlockFile
from suite.spec.records.source import Reference, SpecFile
from suite.spec.records.variant import PARTS, Variant
from suite.spec.records.vocabulary import MAX_WORK
from suite.spec.solve.resolve import Lookup, resolve
from suite.spec.userblocks import Scope, Trust, read_blocks
from suite.yaml.document import Node, Scalar, Table, shown_path
from suite.yaml.errors import NoMatchError, Problem, Problems, SpecError, quote, suggest
from suite.yaml.mark import Mark

VARIANTS = SHIPPED / "variants"
PROJECT = Path("variants")
"""A user's variants in the working folder; whoever reads the shipped ones reads these too."""
MAX_ANCESTORS = 32
_FIRST = "the first: "
_GLOB = frozenset("*?[")
_NOT_INHERITED = frozenset({"title", "paper", "expect", "edits", "depth", "width", "match", "base"})


class Library:
    """All variants under the folders, and one `extra` file.

    A later folder's file, and the extra one, stands in for an earlier one of the same name. Without folders they are
    the shipped ones; beside those stand the files of the working folder's `variants/`, which never stand in for others.

    A file that is wrong stops nobody but itself and those that build on it.

    Raises:
        SpecError: a folder cannot be read, or the working folder's `variants/` has a name that is taken.
    """

    def __init__(
        self,
        folders: Sequence[Path] | None = None,
        *,
        signatures: Signatures | None = None,
        extra: Path | None = None,
        trust: Trust | None = None,
    ) -> None:
        self._folders = (VARIANTS,) if folders is None else tuple(folders)
        self._signatures = signatures or default_signatures()
        self._trust = trust
        self._catalogue = Catalogue()
        self._decoded: dict[str, tuple[SpecFile, ...] | SpecError] = {}
        self._variants: dict[str, Variant | SpecError] = {}
        self._work: Counter[str] = Counter()  # by file
        self._besides: dict[str, Library] = {}  # by the name of the file that each has more
        for folder in self._folders:
            self._catalogue.add_folder(Path(folder))
        if VARIANTS in self._folders and PROJECT.is_dir() and not PROJECT.samefile(VARIANTS):
            self._catalogue.add_beside(PROJECT)
        if extra is not None:
            self._catalogue.add_file(extra, {})

    def names(self) -> tuple[str, ...]:
        """Every variant's name in alphabetical order, those of designs and of wrong files included."""
        return tuple(sorted(name for name in self._catalogue.entries if not override(name)))

    def load(self, name_or_path: str | Path) -> Variant:
        """The resolved variant of a name, or of a file anywhere whose base is a variant of this library.

        Every number in it is final, unless it has a `match`, whose width is found when the network is first needed.

        Args:
            name_or_path: a variant's name; or a path, which is what has a separator or ends in .yaml. Either may have
                settings behind it: `yolov5p[width=0.5]`.

        Raises:
            SpecError: there is no such variant, or it or what it builds on has mistakes; all of the file's are listed.

        Example:
            >>> Library().load("yolov5s").layers[0].out  # channels
            32
        """
        library, name = self._at(name_or_path)
        return library._resolve(library._known(name), ())  # noqa: SLF001

    def scaled(self, variant: Variant, width: float) -> Variant:
        """A variant of `load` or `select` that has a `match`, as it is at a width; its `match` stays unsolved.

        Raises:
            SpecError: the width makes a layer too wide.
        """
        path = Path(variant.mark.file) if variant.mark else Path(variant.name)
        if not self._holds(path):
            return self._beside(path).scaled(variant, width)
        return self._build(variant.name, (variant.name,), width)

    def select(self, patterns: Sequence[str]) -> tuple[Variant, ...]:
        """The variants that names, globs or paths stand for, each once, in the patterns' order.

        Raises:
            NoMatchError: a glob fits no name.
            SpecError: the problems of all chosen files.
        """
        variants, problems = self._loaded(self._chosen(patterns))
        if problems:
            raise SpecError(problems)
        return variants

    def sift(self, patterns: Sequence[str]) -> tuple[tuple[Variant, ...], tuple[Problem, ...]]:
        """The sound ones of the variants that patterns stand for, and what is wrong with the files of the others.

        Raises:
            NoMatchError: a glob fits no name.
            SpecError: there is no variant of a name.
        """
        chosen = self._chosen(patterns)
        for library, name in chosen:
            library._known(name)  # noqa: SLF001
        return self._loaded(chosen)

    def _chosen(self, patterns: Sequence[str]) -> "tuple[tuple[Library, str], ...]":
        every = (chosen for pattern in patterns for chosen in self._expand(pattern))
        return tuple(dict.fromkeys(every))

    @staticmethod
    def _loaded(
        chosen: "Sequence[tuple[Library, str]]",
    ) -> tuple[tuple[Variant, ...], tuple[Problem, ...]]:
        variants: dict[str, Variant] = {}
        problems: dict[Problem, None] = {}
        for library, name in chosen:
            try:
                variant = library.load(name)
                variants.setdefault(variant.name, variant)
            except SpecError as error:
                problems |= dict.fromkeys(error.problems)
        return tuple(variants.values()), tuple(problems)

    @property
    def misnamed(self) -> tuple[Problem, ...]:
        """What is wrong with the names of files of the folders, which no variant comes of."""
        return tuple(self._catalogue.misnamed)

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with any file of the folders."""
        problems = dict.fromkeys(self._catalogue.misnamed)
        for name in self.names():
            try:
                self._resolve(name, ())
            except SpecError as error:
                problems |= dict.fromkeys(error.problems)
        return tuple(problems)

    def origins(self, name_or_path: str | Path) -> Mapping[str, str]:
        """The file that each top-level key of the resolved variant comes from, as messages show it."""
        library, name = self._at(name_or_path)
        return library._origins(library._known(name))  # noqa: SLF001

    def _origins(self, name: str) -> Mapping[str, str]:
        self._resolve(name, ())
        specs = self._specs(name)
        stated = {key: spec.mark.file for spec in specs for key in spec.keys}
        base = specs[0].base
        if base is None:
            return stated
        inherited = {
            key: file for key, file in self._origins(base.name).items() if key not in _NOT_INHERITED
        }
        return inherited | stated

    def _at(self, name_or_path: str | Path) -> "tuple[Library, str]":
        """The library that has what a name, a path, or either with settings means, and its name there."""
        asked = override(str(name_or_path))
        if asked is not None:
            library, base = self._at(asked.base)
            return library, library._overridden(library._known(base), asked)  # noqa: SLF001
        path = _as_path(name_or_path)
        if path is not None and not self._holds(path):
            return self._beside(path), path.stem
        name = path.stem if path else str(name_or_path)
        if path is None and name not in self._catalogue.entries and name in self._besides:
            return self._besides[name], name  # the base of one that was named by its file
        return self, name

    def _overridden(self, base: str, asked: Override) -> str:
        """The name of a variant with settings, which is here from now on, though in no list."""
        name = asked.name(base)
        if name not in self._catalogue.entries:
            text = override_text(base, asked.settings)
            self._catalogue.entries[name] = Entry(Path(name), text)
        return name

    def stated(self, variant: Variant, key: str) -> Mark | None:
        """Where the value of a key that a variant of this library has or inherits is written; None if nowhere."""
        if override(variant.name):
            known = variant.name in self._catalogue.entries
            return self._stated(variant.name, key) if known else variant.mark
        path = Path(variant.mark.file) if variant.mark else Path(variant.name)
        if not self._holds(path):
            return self._beside(path).stated(variant, key)
        return self._stated(variant.name, key)

    def _stated(self, name: str, key: str) -> Mark | None:
        specs = self._specs(name)
        for spec in reversed(specs):
            if key in spec.keys:
                return spec.keys[key]
        base = specs[0].base
        return None if base is None else self._stated(base.name, key)

    def _known(self, name: str) -> str:
        is_variant = name in self._catalogue.entries
        if name in self._catalogue.designs and not is_variant:
            hint = f"name one: {', '.join(self._catalogue.designs[name])}"
            message = f"{quote(name)} is a design of several variants"
            raise SpecError.single(None, "E204", message, hint=hint)
        if not is_variant:
            hint = suggest(name, self._catalogue.entries)
            raise SpecError.single(None, "E204", f"no variant {quote(name)}", hint=hint)
        return name

    def _holds(self, path: Path) -> bool:
        name = self._catalogue.designs.get(path.stem, (path.stem,))[0]
        known = self._catalogue.entries.get(name)
        return known is not None and known.path.resolve() == path.resolve()

    def _expand(self, pattern: str) -> "Iterator[tuple[Library, str]]":
        """The names that a pattern stands for, with the library that has them; a design stands for all its own."""
        asked = override(pattern)
        if asked is not None:
            for library, name in self._expand(asked.base):
                yield library, library._overridden(library._known(name), asked)  # noqa: SLF001
            return
        path = _as_path(pattern)
        if path is not None or not _GLOB & set(pattern):
            library = self if path is None or self._holds(path) else self._beside(path)
            name = path.stem if path else pattern
            members = library._catalogue.designs.get(name, (name,))  # noqa: SLF001
            yield from ((library, member) for member in members)
            return
        names = [name for name in self.names() if fnmatchcase(name, pattern)]
        if not names:
            message = f"no variant fits {quote(pattern)}"
            raise NoMatchError.single(None, "E210", message, hint=suggest(pattern, self.names()))
        yield from ((self, name) for name in names)

    def _beside(self, path: Path) -> "Library":
        """A library like this one with a file from elsewhere in it."""
        if not is_name(path.stem):
            mark = Mark(shown_path(path), 1, 1)
            raise SpecError.single(mark, "E208", f"{quote(path.name)} cannot name a variant")
        library = Library(self._folders, signatures=self._signatures, extra=path, trust=self._trust)
        self._besides[path.stem] = library
        return library

    def _specs(self, name: str, chain: tuple[str, ...] = ()) -> tuple[SpecFile, ...]:
        """The decoded file, or the files that a design's variant is made of, each carried out on the one before."""
        if name not in self._decoded:
            self._decoded[name] = self._decode(name, chain)
        specs = self._decoded[name]
        if isinstance(specs, SpecError):
            raise specs
        return specs

    def _decode(self, name: str, chain: tuple[str, ...]) -> tuple[SpecFile, ...] | SpecError:
        entry = self._catalogue.entries[name]
        if entry.error:
            return entry.error
        try:
            if entry.member:
                problems = Problems(self._catalogue.sources, name)
                return tuple(
                    self._read(table, name, chain, problems) for table in entry.member.chain
                )
            text = read_text(entry.path) if entry.text is None else entry.text
            file = shown_path(entry.path)
            self._catalogue.sources[file] = text.splitlines()
            problems = Problems({file: self._catalogue.sources[file]})
            return (self._read(read_tree(text, file, problems), name, chain, problems),)
        except SpecError as error:
            return error

    def _read(self, root: Node, name: str, chain: tuple[str, ...], problems: Problems) -> SpecFile:
        """One file's record, with the blocks that its own files and those of what it builds on have."""
        path = self._catalogue.entries[name].path
        blocks = read_blocks(root, path, self._trust, self._signatures, problems)
        scope = Scope(self._signatures, blocks, lambda: self._blocks_below(root, chain))
        spec = decode_tree(root, name, scope, problems, folder=path.parent)
        return replace(spec, blocks=tuple(blocks))

    def _blocks_below(self, root: Node, chain: tuple[str, ...]) -> Iterator[BlockFile]:
        """The block files of the variants that a file names as its base or as the owners of its parts."""
        entries = root.entries if isinstance(root, Table) else {}
        parts = (entries.get(part) for part in PARTS)
        owners = [node.entries.get("of") for node in parts if isinstance(node, Table)]
        for node in (entries.get("base"), *owners):
            name = node.value if isinstance(node, Scalar) else None
            if isinstance(name, str) and name in self._catalogue.entries and name not in chain:
                with suppress(SpecError):  # what is wrong with it is told where it is used
                    yield from self._resolve(name, chain).blocks

    def _resolve(self, name: str, chain: tuple[str, ...]) -> Variant:
        """The variant; `chain` are the names that are being resolved because they build on it."""
        if name not in self._variants:
            try:
                self._variants[name] = self._build(name, (*chain, name))
            except SpecError as error:
                self._variants[name] = error
        variant = self._variants[name]
        if isinstance(variant, SpecError):
            raise variant
        return variant

    def _build(self, name: str, chain: tuple[str, ...], width: float | None = None) -> Variant:
        """The variant; with `width` its last file scales by it, for a file that leaves its width to be found."""
        specs = self._specs(name, chain)
        specs = specs if width is None else (*specs[:-1], replace(specs[-1], width=width))
        member = self._catalogue.entries[name].member
        problems = Problems(self._catalogue.sources, name if member else "")
        find = self._lookup(chain, problems)
        variant: Variant | None = None
        for spec in specs:
            variant = resolve(spec, _on(variant, spec, find), self._signatures, problems)
            self._spend(spec, variant, problems)
            problems.raise_if_any()
        assert variant is not None, "a lookup that finds nothing adds a problem"
        if member is None:
            return variant
        baseline = variant.baseline if variant.match else member.base
        return replace(variant, base=member.base, baseline=baseline, rung=member.rung)

    def _spend(self, spec: SpecFile, variant: Variant | None, problems: Problems) -> None:
        """Bound what the edits of one file's variants take together: a design could ask for hours."""
        self._work[spec.mark.file] += len(spec.edits) * len(variant.layers if variant else ())
        if self._work[spec.mark.file] > MAX_WORK:
            hint = f"at most {MAX_WORK:,} edited layers, over all its variants"
            problems.add(
                spec.mark, "E005", "the edits of this file are too many for so many layers", hint
            )

    def _lookup(self, chain: tuple[str, ...], problems: Problems) -> Lookup:
        def find(reference: Reference) -> Variant | None:
            name = reference.name
            if name not in self._catalogue.entries:
                hint = suggest(name, self._catalogue.entries)
                problems.add(reference.mark, "E204", f"no variant {quote(name)}", hint)
            elif name in chain or len(chain) > MAX_ANCESTORS:
                way = " -> ".join((*chain[:MAX_ANCESTORS], name))
                problems.add(reference.mark, "E209", f"the bases go in a circle or too far: {way}")
            else:
                try:
                    return self._resolve(name, chain)
                except SpecError as error:
                    first = error.problems[0]
                    hint = first.hint if first.hint.startswith(_FIRST) else f"{_FIRST}{first}"
                    problems.add(
                        reference.mark, "E204", f"{quote(name)} has errors of its own", hint
                    )
            return None

        return find


def _on(previous: Variant | None, spec: SpecFile, find: Lookup) -> Lookup:
    """A lookup by which the file is carried out on the one before it, where there is one, and not on its base."""
    return lambda reference: previous if previous and reference is spec.base else find(reference)


def _as_path(name_or_path: str | Path) -> Path | None:
    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or text.endswith(".yaml") or os.sep in text
    return Path(name_or_path) if is_path else None

"""The variants of some folders: found by file name, decoded and resolved when asked for, each once."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from suite.spec.decode import decode, read_text
from suite.spec.document import shown_path
from suite.spec.errors import NoMatchError, Problem, Problems, SpecError, quote, suggest
from suite.spec.resolve import resolve
from suite.spec.signatures import Signatures, default_signatures
from suite.spec.source import Reference, SpecFile
from suite.spec.variant import Mark, Variant

VARIANTS = Path(__file__).resolve().parents[2] / "variants"
MAX_ANCESTORS = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_GLOB = frozenset("*?[")
_NOT_INHERITED = frozenset({"title", "paper", "expect", "edits", "depth", "width", "base"})


class Library:
    """All variants under the folders, and one `extra` file.

    A later folder's file, and the extra one, stands in for an earlier one of the same name.

    A file that is wrong stops nobody but itself and those that build on it.

    Raises:
        SpecError: a folder cannot be read.
    """

    def __init__(
        self,
        folders: Sequence[Path] | None = None,
        *,
        signatures: Signatures | None = None,
        extra: Path | None = None,
    ) -> None:
        self._folders = (VARIANTS,) if folders is None else tuple(folders)
        self._signatures = signatures or default_signatures()
        self._files: dict[str, Path] = {}
        self._misnamed: list[Problem] = []
        self._sources: dict[str, list[str]] = {}
        self._specs: dict[str, SpecFile | SpecError] = {}
        self._variants: dict[str, Variant | SpecError] = {}
        for folder in self._folders:
            self._add_folder(Path(folder))
        if extra is not None:
            self._files[extra.stem] = extra

    def names(self) -> tuple[str, ...]:
        """Every variant's name in alphabetical order, those of wrong files included."""
        return tuple(sorted(self._files))

    def load(self, name_or_path: str | Path) -> Variant:
        """The resolved variant of a name, or of a file anywhere whose base is a variant of this library."""
        path = _as_path(name_or_path)
        if path is not None and not self._holds(path):
            return self._beside(path).load(path.stem)
        return self._resolve(self._known(path.stem if path else str(name_or_path)), ())

    def select(self, patterns: Sequence[str]) -> tuple[Variant, ...]:
        """The variants that names, globs or paths stand for, each once, in the patterns' order.

        Raises:
            NoMatchError: a glob fits no name.
            SpecError: the problems of all chosen files.
        """
        chosen: dict[str, None] = {}
        for pattern in patterns:
            chosen |= dict.fromkeys(self._expand(pattern))
        variants: dict[str, Variant] = {}
        problems: dict[Problem, None] = {}
        for name in chosen:
            try:
                variant = self.load(name)
                variants.setdefault(variant.name, variant)
            except SpecError as error:
                problems |= dict.fromkeys(error.problems)
        if problems:
            raise SpecError(problems)
        return tuple(variants.values())

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with any file of the folders."""
        found = dict.fromkeys(self._misnamed)
        for name in self.names():
            try:
                self._resolve(name, ())
            except SpecError as error:
                found |= dict.fromkeys(error.problems)
        return tuple(found)

    def origins(self, name_or_path: str | Path) -> Mapping[str, str]:
        """The file that each top-level key of the resolved variant comes from, as messages show it."""
        path = _as_path(name_or_path)
        if path is not None and not self._holds(path):
            return self._beside(path).origins(path.stem)
        name = self._known(path.stem if path else str(name_or_path))
        self._resolve(name, ())
        spec = self._spec(name)
        own = dict.fromkeys(spec.keys, spec.mark.file)
        if spec.base is None:
            return own
        inherited = {key: file for key, file in self.origins(spec.base.name).items() if key not in _NOT_INHERITED}
        return inherited | own

    def _known(self, name: str) -> str:
        if name not in self._files:
            raise SpecError.single(None, "E204", f"no variant {quote(name)}", hint=suggest(name, self._files))
        return name

    def _holds(self, path: Path) -> bool:
        known = self._files.get(path.stem)
        return known is not None and known.resolve() == path.resolve()

    def _expand(self, pattern: str) -> Iterator[str]:
        if not _GLOB & set(pattern) or os.sep in pattern:
            yield pattern
            return
        found = [name for name in self.names() if fnmatchcase(name, pattern)]
        if not found:
            raise NoMatchError.single(
                None, "E210", f"no variant fits {quote(pattern)}", hint=suggest(pattern, self._files)
            )
        yield from found

    def _add_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SpecError.single(Mark(shown_path(folder), 1, 1), "E006", "is no folder of variants")
        here: dict[str, Path] = {}
        for path in sorted(_yaml_files(folder)):
            mark = Mark(shown_path(path), 1, 1)
            if path.suffix != ".yaml" or not _NAME.fullmatch(path.stem):
                hint = "letters, digits, '.', '_' and '-', then .yaml"
                self._misnamed.append(Problem(mark, "E208", f"{quote(path.name)} cannot name a variant", hint))
                continue
            twin = here.get(path.stem.lower())
            if twin is not None:
                message = f"the name {quote(path.stem)} is taken by {shown_path(twin)}"
                self._misnamed.append(Problem(mark, "E208", message, "names are unique regardless of folder and case"))
                continue
            here[path.stem.lower()] = path
        for path in here.values():
            self._files[path.stem] = path

    def _beside(self, path: Path) -> "Library":
        """A library like this one with a file from elsewhere in it."""
        if not _NAME.fullmatch(path.stem):
            mark = Mark(shown_path(path), 1, 1)
            raise SpecError.single(mark, "E208", f"{quote(path.name)} cannot name a variant")
        return Library(self._folders, signatures=self._signatures, extra=path)

    def _spec(self, name: str) -> SpecFile:
        if name not in self._specs:
            self._specs[name] = self._decode(name)
        spec = self._specs[name]
        if isinstance(spec, SpecError):
            raise spec
        return spec

    def _decode(self, name: str) -> SpecFile | SpecError:
        path = self._files[name]
        try:
            text = read_text(path)
            file = shown_path(path)
            self._sources[file] = text.splitlines()
            return decode(text, file, name, self._signatures)
        except SpecError as error:
            return error

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

    def _build(self, name: str, chain: tuple[str, ...]) -> Variant:
        spec = self._spec(name)
        problems = Problems(self._sources)
        variant = resolve(spec, self._lookup(chain, problems), self._signatures, problems)
        problems.raise_if_any()
        assert variant is not None, "a lookup that finds nothing adds a problem"
        return variant

    def _lookup(self, chain: tuple[str, ...], problems: Problems) -> Callable[[Reference], Variant | None]:
        def find(reference: Reference) -> Variant | None:
            name = reference.name
            if name not in self._files:
                problems.add(reference.mark, "E204", f"no variant {quote(name)}", suggest(name, self._files))
            elif name in chain or len(chain) > MAX_ANCESTORS:
                way = " -> ".join((*chain[:MAX_ANCESTORS], name))
                problems.add(reference.mark, "E209", f"the bases go in a circle or too far: {way}")
            else:
                try:
                    return self._resolve(name, chain)
                except SpecError as error:
                    hint = f"the first: {error.problems[0]}"
                    problems.add(reference.mark, "E204", f"{quote(name)} has errors of its own", hint)
            return None

        return find


def _as_path(name_or_path: str | Path) -> Path | None:
    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or text.endswith(".yaml") or os.sep in text
    return Path(name_or_path) if is_path else None


def _yaml_files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.lower().endswith((".yaml", ".yml")) and not name.startswith("."):
                yield Path(parent, name)

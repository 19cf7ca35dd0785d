"""The text of a new variant's file: drafted or copied, tried as if it stood in its place, completed by what it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from suite.cli.files import schema_line, write_spec
from suite.cli.library import final
from suite.cli.output import ExitCode, Refusal
from suite.spec.blocks.signatures import default_signatures
from suite.spec.language.decode import decode, read_text
from suite.spec.library import VARIANTS, Library
from suite.spec.records.variant import Expect, Variant
from suite.spec.solve.edits import Editor, matches
from suite.spec.userblocks import Scope, lies_in_project
from suite.spec.views.draft import Draft, without_keys
from suite.spec.views.write import expect_line, prose
from suite.yaml.errors import Problems, SpecError, quote


@dataclass(frozen=True, slots=True)
class Made:
    """A file's text, and the variant and the network that it describes."""

    text: str
    variant: Variant
    measured: Expect


@dataclass(frozen=True, slots=True)
class Site:
    """Where the file is to be, the folders of variants beside the shipped ones, and whether any code may run."""

    path: Path
    folders: Sequence[Path]
    allow_code: bool = False

    def library(self) -> Library:
        """What there is, with the file as it stands."""
        return Library((VARIANTS, *self.folders), trust=self._trust)

    def variant(self, text: str) -> Variant:
        """The variant of a text, as if it stood in the file; SpecError for what is wrong with it there."""
        with _standing(self.path, self._whole(text)):
            return self.library().load(self.path)

    def complete(self, text: str) -> Made:
        """The file with the promise of what its network is.

        Raises:
            SpecError: it does not build, or is not fit to be trained.
        """
        from suite.cli.check.build import Builder  # brings torch, which `new --help` does without

        library = self.library()
        variant = final(self.variant(text), library)
        trial, _, problems = Builder(library, exports=False).look(variant)
        if problems:
            raise SpecError(problems)
        return Made(f"{self._whole(text)}{expect_line(trial.measured)}\n", variant, trial.measured)

    def _whole(self, text: str) -> str:
        return schema_line(self.path.parent) + text

    def _trust(self, spec: Path, file: Path) -> bool:
        return self.allow_code or lies_in_project(spec, file)


@contextmanager
def _standing(path: Path, text: str) -> Iterator[None]:
    """The text in the file while it is tried: paths in it and places in messages are then those that they will be."""
    before = path.read_bytes() if path.exists() else None
    folders = [folder for folder in path.parents if not folder.exists()]
    try:
        write_spec(path, text, force=True)
        yield
    finally:
        if before is not None:
            path.write_bytes(before)
        else:
            path.unlink(missing_ok=True)
        for folder in folders:
            if folder.is_dir():
                folder.rmdir()


def draft_file(draft: Draft, site: Site) -> Made:
    """The draft's file; every edit says how many places it concerns, and the title of strides unlike the base's.

    Raises:
        SpecError: something in the draft is not as the language has it, or the network is not fit to be trained.
    """
    counts = _counts(draft, site) if draft.edits else []
    made = site.complete(draft.text(counts))
    usual = site.library().load(draft.base).expect.strides
    strides = ", ".join(map(str, made.measured.strides or ()))
    if usual in {None, made.measured.strides} or strides in draft.title:
        return made
    titled = replace(draft, title=f"{draft.title} (strides {strides})")
    return replace(made, text=made.text.replace(draft.text(counts), titled.text(counts)))


def like_file(name: str, site: Site, *, base: str, title: str, paper: str) -> Made:
    """A copy of a variant's own file under a new title; `base` and `paper` take the place of its own if not empty.

    Raises:
        Refusal: the variant is one of several of a file, or has no base.
        SpecError: there is no such variant, or the copy does not build on the new base.
    """
    source = site.library().load(name)
    file = Path(source.mark.file) if source.mark else Path()
    if file.stem != source.name:
        message = f"{quote(source.name)} is one of several variants in {file}; copy what you need from there"
        raise Refusal(ExitCode.USAGE, message)
    if base and not source.base:
        raise Refusal(
            ExitCode.USAGE, f"{quote(source.name)} has no base that --base could take the place of"
        )
    replaced = ["title", "expect", "paper"] if paper else ["title", "expect"]
    lines = without_keys(read_text(file), str(file), replaced)
    if base:
        lines = [f"base: {base}" if line.startswith("base:") else line for line in lines]
    if not title:
        title = f"Like {source.name} on {base}" if base else f"Like {source.name}"
    head = [f"title: {prose(title)}"]
    if paper:
        head.append(f"paper: {prose(paper)}")
    return site.complete("\n".join([*head, *lines]) + "\n")


def _counts(draft: Draft, site: Site) -> list[int]:
    """How many layers or convolutions each edit concerns; those of convolutions act when all layers are there."""
    after = site.variant(draft.text())
    layers = site.variant(replace(draft, edits=()).text()).layers
    signatures = Scope(default_signatures(), after.blocks)
    editor = Editor(signatures, Problems())
    counts = []
    for edit in decode(draft.text(), "", after.name, signatures).edits:
        if editor.conv_edit(edit):
            from suite.nn.detector import convolutions  # brings torch

            sites = convolutions(replace(after, conv_edits=()))
            counts.append(sum(site.matches(edit.select) for site in sites))
        else:
            counts.append(len(matches(layers, edit.select, signatures)))
            layers = editor.apply(edit, layers)
    return counts

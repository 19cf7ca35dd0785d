"""The text of a new variant's file: drafted or copied, tried as if it stood in its place, completed by what it is."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from suite.cli.finals import final
from suite.cli.output import ExitCode, Refusal
from suite.spec.decode import decode, read_text
from suite.spec.document import shown_path
from suite.spec.draft import Draft, without_keys
from suite.spec.edits import Editor, matches
from suite.spec.errors import Problem, Problems, SpecError, quote
from suite.spec.library import VARIANTS, Library
from suite.spec.signatures import default_signatures
from suite.spec.variant import Expect, Variant
from suite.spec.write import expect_line, prose


@dataclass(frozen=True, slots=True)
class Made:
    """A file's text without its first line, and the variant and the network that it describes."""

    text: str
    variant: Variant
    measured: Expect


@dataclass(frozen=True, slots=True)
class Place:
    """Where the file is to be, and the folders of variants beside the shipped ones."""

    path: Path
    folders: Sequence[Path]

    def library(self, text: str) -> Library:
        """A library that has the text as a file of that name; SpecError, with places in that file, if it is wrong."""
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder, self.path.name)
            draft.write_text(text, encoding="utf-8")
            try:
                library = Library((VARIANTS, *self.folders), extra=draft)
                library.load(self.path.stem)
            except SpecError as error:
                raise self.moved(error.problems) from None
        return library

    def variant(self, text: str) -> Variant:
        """The variant of the text; SpecError as of `library`."""
        return self.library(text).load(self.path.stem)

    def complete(self, text: str) -> Made:
        """The text with the promise of what its network is.

        Raises:
            SpecError: it does not build, or is not fit to be trained.
        """
        from suite.cli.check_build import Builder

        library = self.library(text)
        try:
            variant = final(library.load(self.path.stem), library)
            trial, _, problems = Builder(library, exports=False).look(variant)
        except SpecError as error:
            raise self.moved(error.problems) from None
        if problems:
            raise self.moved(problems)
        return Made(f"{text}{expect_line(trial.measured)}\n", variant, trial.measured)

    def moved(self, problems: Sequence[Problem]) -> SpecError:
        """The problems of the draft as those of the file, which has one line more above."""
        file = shown_path(self.path)

        def in_place(problem: Problem) -> Problem:
            mark = problem.mark
            if mark is None or Path(mark.file).name != self.path.name:
                return problem
            return replace(problem, mark=mark._replace(file=file, line=mark.line + 1))

        return SpecError(map(in_place, problems))


def draft_file(draft: Draft, place: Place) -> Made:
    """The draft's file; every edit says how many places it concerns, and the title of strides unlike the base's.

    Raises:
        SpecError: something in the draft is not as the language has it, or the network is not fit to be trained.
    """
    counts = _counts(draft, place) if draft.edits else []
    made = place.complete(draft.text(counts))
    usual = Library((VARIANTS, *place.folders)).load(draft.base).expect.strides
    strides = ", ".join(map(str, made.measured.strides or ()))
    if made.measured.strides == usual or strides in draft.title:
        return made
    titled = replace(draft, title=f"{draft.title} (strides {strides})")
    return replace(made, text=f"{titled.text(counts)}{expect_line(made.measured)}\n")


def like_file(name: str, place: Place, *, base: str, title: str, paper: str) -> Made:
    """A copy of a variant's own file under a new title; `base` and `paper` take the place of its own if not empty.

    Raises:
        Refusal: the variant is one of several of a file, or has no base.
        SpecError: there is no such variant, or the copy does not build on the new base.
    """
    source = Library((VARIANTS, *place.folders)).load(name)
    file = Path(source.mark.file) if source.mark else Path()
    if file.stem != source.name:
        message = f"{quote(source.name)} is one of several variants in {file}; copy what you need from there"
        raise Refusal(ExitCode.USAGE, message)
    if base and not source.base:
        raise Refusal(ExitCode.USAGE, f"{quote(source.name)} has no base that --base could take the place of")
    lines = without_keys(read_text(file), str(file), ["title", "expect", *(["paper"] if paper else [])])
    if base:
        lines = [f"base: {base}" if line.startswith("base:") else line for line in lines]
    head = [f"title: {prose(title or f'Like {source.name}' + (f' on {base}' if base else ''))}"]
    head += [f"paper: {prose(paper)}"] if paper else []
    return place.complete("\n".join([*head, *lines]) + "\n")


def _counts(draft: Draft, place: Place) -> list[int]:
    """How many layers or convolutions each edit concerns; those of convolutions act when all layers are there."""
    after = place.variant(draft.text())
    layers = place.variant(replace(draft, edits=()).text()).layers
    signatures = default_signatures()
    editor = Editor(signatures, Problems())
    counts = []
    for edit in decode(draft.text(), "", after.name, signatures).edits:
        if editor.conv_edit(edit):
            from suite.nn.detector import convolutions

            sites = convolutions(replace(after, conv_edits=()))
            counts.append(sum(site.matches(edit.select) for site in sites))
        else:
            counts.append(len(matches(layers, edit.select, signatures)))
            layers = editor.apply(edit, layers)
    return counts

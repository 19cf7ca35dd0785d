"""One file becomes a `SpecFile`: every key, type, block and option is checked, all problems of the file at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from suite.spec.blocks.signatures import Signatures
from suite.spec.language.edits import EDIT_CHECKS, EDIT_FORMS
from suite.spec.language.layers import LAYER_CHECKS, LAYER_FORMS, LayerReader
from suite.spec.language.values import VALUE_CHECKS, VALUE_FORMS
from suite.spec.records.source import SpecFile
from suite.spec.records.variant import PARTS
from suite.yaml.document import Node, Table, parse, read_bytes, shown_path
from suite.yaml.errors import Problems, SpecError
from suite.yaml.mark import Mark
from suite.yaml.reader import Reader
from suite.yaml.records import Check, Decoder, Entries
from suite.yaml.shapes import Special

# keys of a file beside which the head's line may leave its anchors out
_ANCHORED = frozenset({"base", "anchors"})


def read_text(path: Path) -> str:
    """The text of a spec file; SpecError if it is not a regular UTF-8 file of bounded size."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        mark = Mark(shown_path(path), line, 1)
        raise SpecError.single(mark, "E007", "is not UTF-8 text") from None


def decode(text: str, file: str, name: str, signatures: Signatures) -> SpecFile:
    r"""The record of a file's text.

    Args:
        text: YAML, as a user wrote it.
        file: what messages call the file.
        name: the variant's name.
        signatures: the blocks that its lines may name.

    Raises:
        SpecError: for whatever else this text is, and nothing but that; it has all problems.

    Example:
        >>> decode("base: yolov5s\nwidth: 0.5", "f.yaml", "f", default_signatures()).width
        0.5
    """
    problems = Problems({file: text.splitlines()})
    return decode_tree(read_tree(text, file, problems), name, signatures, problems)


def read_tree(text: str, file: str, problems: Problems) -> Node:
    """The tree of a file's text; SpecError, with the problems so far, if it has none."""
    try:
        return parse(text, file, problems)
    except SpecError as error:
        for problem in error.problems:
            problems.add(problem.mark, problem.code, problem.message, problem.hint)
        problems.raise_if_any()
        raise


def decode_tree(
    root: Node, name: str, signatures: Signatures, problems: Problems, *, folder: Path = Path()
) -> SpecFile:
    """The record of a file's tree; paths in it are relative to `folder`.

    Raises:
        SpecError: for all that is wrong with it.
    """
    mark = root.mark
    keys = dict(root.keys) if isinstance(root, Table) else {}
    decoder = SpecDecoder(
        Reader(problems), signatures, folder, anchored=bool(_ANCHORED & keys.keys())
    )
    spec = decoder.record(SpecFile, root, "a variant", name=name, mark=mark, keys=keys)
    problems.raise_if_any()
    assert spec is not None, "a file without a problem has a record"
    return spec


def _check_file(file: Entries) -> None:
    """Report the parts that lack where there is no base, and scales that exclude each other."""
    keys = file.table.keys
    if "base" not in keys:
        lacking = [f"`{part}`" for part in PARTS if part not in keys]
        if lacking:
            message = f"without `base`, {file.called} needs {', '.join(lacking)}"
            file.report("", "E103", message)
        for key in {"depth", "width", "match"} & keys.keys():
            file.report(key, "E105", f"`{key}` scales the base, and there is no `base`")
    if {"match", "width"} <= keys.keys():
        message = "`width` and `match` exclude each other: `match` finds the width"
        file.report("width", "E105", message)


class SpecDecoder(Decoder):
    """Decodes variants: lines against the blocks there are, files relative to the folder of the spec."""

    specials: ClassVar[Mapping[str, Special]] = {**VALUE_FORMS, **LAYER_FORMS, **EDIT_FORMS}
    checks: ClassVar[Mapping[type[Any], Check]] = {
        SpecFile: Check(_check_file),
        **VALUE_CHECKS,
        **LAYER_CHECKS,
        **EDIT_CHECKS,
    }

    def __init__(
        self, reader: Reader, signatures: Signatures, folder: Path, *, anchored: bool = False
    ) -> None:
        super().__init__(reader)
        self.folder = folder
        self.layers = LayerReader(self, signatures, anchored=anchored)

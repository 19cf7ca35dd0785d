"""What there is to say of a block, read from its source: what it is, what it reads and gives, its options.

Nothing is run and torch is not needed. What stands on a page is what the file's docstrings and its constructor say.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from suite.record import Json
from suite.spec.blocks.options import readable
from suite.spec.blocks.signatures import BlockSignature, Default
from suite.yaml.document import read_bytes

_ROOT = Path(__file__).resolve().parents[3]
_PACKAGE = "suite"
_MAX_BASES = 8


class Option(NamedTuple):
    """One option of a block; `default` says nothing where it is `needed` or where the block works it out."""

    name: str
    type: str
    default: Json
    needed: bool
    computed: bool


@dataclass(frozen=True, slots=True)
class BlockPage:
    """All there is to say of one block.

    `about` is the first paragraph of its file, with the source of the idea, `text` what its class says, `shapes` what
    its forward pass says of its maps ("" where it says nothing), and `line` where the class begins.
    """

    signature: BlockSignature
    about: str
    text: str
    shapes: str
    line: int

    @property
    def summary(self) -> str:
        """One line."""
        return self.text.splitlines()[0] if self.text else self.about

    @property
    def options(self) -> tuple[Option, ...]:
        """In the order of the constructor."""
        given = self.signature.options
        return tuple(
            Option(
                name,
                readable(self.signature.types[name]),
                None if isinstance(default, Default) else default,
                needed=default is Default.REQUIRED,
                computed=default is Default.COMPUTED,
            )
            for name, default in given.items()
        )


def block_page(signature: BlockSignature) -> BlockPage:
    """The page of a block whose constructor has been read.

    Raises:
        SpecError: its file cannot be read any more.
    """
    file = _File.of(signature.file)
    node = file.classes[signature.address.partition(".")[2]]
    return BlockPage(
        signature=signature,
        about=_paragraph(ast.get_docstring(file.tree) or ""),
        text=ast.get_docstring(node) or "",
        shapes=_paragraph(_forward(file, node, _MAX_BASES)),
        line=node.lineno,
    )


@dataclass(frozen=True, slots=True)
class _File:
    """A Python file's classes, and the files that the names it imports from the suite are from."""

    tree: ast.Module
    classes: Mapping[str, ast.ClassDef]
    imported: Mapping[str, Path]

    @classmethod
    def of(cls, path: Path) -> "_File":
        tree = ast.parse(read_bytes(path))
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        imported = {
            alias.asname or alias.name: _ROOT.joinpath(*node.module.split(".")).with_suffix(".py")
            for node in imports
            if node.module and node.module.split(".")[0] == _PACKAGE
            for alias in node.names
        }
        return cls(tree, classes, imported)


def _forward(file: _File, node: ast.ClassDef, left: int) -> str:
    """What the class's `forward` says, its own or that of a base class; "" if nothing."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "forward":
            return ast.get_docstring(statement) or ""
    for base in node.bases:
        name = base.id if isinstance(base, ast.Name) else ""
        if name in file.classes and left:
            return _forward(file, file.classes[name], left - 1)
        if name in file.imported and left and file.imported[name].is_file():
            other = _File.of(file.imported[name])
            if name in other.classes:
                return _forward(other, other.classes[name], left - 1)
    return ""


def _paragraph(text: str) -> str:
    """The first paragraph as one line."""
    return " ".join(text.partition("\n\n")[0].split())

"""The stub of a block file says what the file says, and follows it when it changes."""

import ast
import os
from pathlib import Path

import pytest

from suite.spec.blocks import signatures as module
from suite.spec.blocks.stubs import read_stub

SOURCE = '''
"""A block."""
import torch

class Block(torch.nn.Module):
    """Says much."""
    kind: str = "x"

    def __init__(self, in_channels: int, out_channels: int, *, ratio: float = 0.5, words: tuple[str, ...] = ("a",)):
        self.secret = 1

    def forward(self, x):
        return x


def helper():
    pass
'''
FILES = sorted(Path(module.__file__).parents[2].glob("nn/*s/[a-z]*.py"))


def constructors(tree: ast.Module) -> dict[str, str]:
    """Every class with its bases, and the parameters of its constructor."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            own = [
                ast.dump(s.args)
                for s in node.body
                if isinstance(s, ast.FunctionDef) and s.name == "__init__"
            ]
            found[node.name] = f"{[ast.dump(base) for base in node.bases]} {own}"
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "block.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stub_has_the_classes_and_constructors_of_its_file(path: Path) -> None:
    assert constructors(read_stub(path)) == constructors(ast.parse(path.read_bytes()))


def test_a_stub_has_nothing_else(file: Path) -> None:
    read_stub(file)
    (kept,) = (file.parent / "__pycache__").iterdir()

    assert not any(
        word in kept.read_text() for word in ("secret", "forward", "helper", "much", "torch import")
    )


def test_a_kept_stub_reads_as_the_first_one(file: Path) -> None:
    assert (
        constructors(read_stub(file))
        == constructors(read_stub(file))
        == constructors(ast.parse(SOURCE))
    )


def test_a_kept_stub_is_read_instead_of_the_file(file: Path) -> None:
    read_stub(file)
    status = file.stat()
    file.write_bytes(b" " * status.st_size)  # another content of the same size and time
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert constructors(read_stub(file)) == constructors(ast.parse(SOURCE))


def test_a_changed_file_has_a_new_stub(file: Path) -> None:
    read_stub(file)
    file.write_text("class Other:\n    def __init__(self, in_channels: int): ...\n")

    assert list(constructors(read_stub(file))) == ["Other"]


def test_a_spoilt_stub_is_made_anew(file: Path) -> None:
    read_stub(file)
    (kept,) = (file.parent / "__pycache__").iterdir()
    kept.write_text(kept.read_text().splitlines()[0] + "\nclass (((\n")

    assert list(constructors(read_stub(file))) == ["Block"]


def test_a_folder_that_cannot_hold_a_stub_is_read_all_the_same(file: Path) -> None:
    (file.parent / "__pycache__").write_text("a file is in the way")

    assert list(constructors(read_stub(file))) == ["Block"]


def test_a_file_that_is_not_python_has_no_stub(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("class (((")

    with pytest.raises(SyntaxError):
        read_stub(path)

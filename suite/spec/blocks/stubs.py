"""The classes of a Python file without their code: what is needed of a block file, at a tenth of the reading.

A stub is kept in `__pycache__` beside the file, as Python keeps what it compiles, and holds for the file's time and
size. Nothing in a file is ever run.
"""

import ast
import sys
from contextlib import suppress
from pathlib import Path

from suite.files import replacing

_VERSION = 2


def read_stub(path: Path) -> ast.Module:
    """The file's classes: bases, `assigners`, constructors' parameters; OSError, SyntaxError or ValueError."""
    status = path.stat()
    head = f"# {_VERSION} {sys.hexversion} {status.st_mtime_ns} {status.st_size}\n"
    kept = path.parent / "__pycache__" / f"{path.stem}.stub"
    with suppress(OSError, SyntaxError, ValueError):
        text = kept.read_text(encoding="utf-8")
        if text.startswith(head):
            return ast.parse(text)
    stub = _reduced(ast.parse(path.read_bytes()))
    with suppress(OSError):  # a folder that cannot be written to is read each time
        _write(kept, head + ast.unparse(stub) + "\n")
    return stub


def _reduced(tree: ast.Module) -> ast.Module:
    classes: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            served = [statement for statement in node.body if is_served(statement)]
            node.body = [
                _constructor(statement) for statement in node.body if _is_constructor(statement)
            ]
            node.body = [*served, *node.body] or [ast.Pass()]
            node.decorator_list = []
            classes.append(node)
    return ast.Module(classes, [])


def is_served(node: ast.stmt) -> bool:
    """Whether a statement of a head's class says which assigners it serves."""
    return (
        isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "assigners"
    )


def _is_constructor(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__init__"


def _constructor(node: ast.stmt) -> ast.stmt:
    assert isinstance(node, ast.FunctionDef)
    node.body, node.decorator_list, node.returns = [ast.Pass()], [], None
    return node


def _write(path: Path, text: str) -> None:
    with replacing(path, durable=False) as part:  # made again where it is lost
        part.write_text(text, encoding="utf-8")

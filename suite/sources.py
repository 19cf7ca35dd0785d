"""Which code a result depends on: a hash of modules with all of the suite that they import. Never imports torch."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_MEASURING = (
    "suite.nn",
    "suite.train",
    "suite.datasets",
    "suite.metrics",
    "suite.runtimes",
    "suite.jobs",
)
"""Packages whose code decides results; the others decide what is asked for, which stands in a key itself."""
_STATED = {"suite.metrics.definitions"}
"""Of these, what does not decide: names and versions of the metrics stand in a key themselves, by kind of job."""


def code_digest(modules: Iterable[str]) -> str:
    """SHA-256 over the measuring modules reached from `modules`; comments, docstrings and layout do not count."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in reached and _is_measuring(module) and _file(module) is not None:
            reached.add(module)
            waiting += _imports(module)
    lines = (f"{module} {_meaning(module)}\n" for module in sorted(reached))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _is_measuring(module: str) -> bool:
    if module in _STATED:
        return False
    return any(module == package or module.startswith(f"{package}.") for package in _MEASURING)


@cache
def _file(module: str) -> Path | None:
    path = _ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _parse(module: str) -> ast.Module:
    file = _file(module)
    assert file is not None
    return ast.parse(file.read_bytes())


@cache
def _meaning(module: str) -> str:
    tree = _parse(module)  # a tree of its own, as docstrings are taken out of it
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            del body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _imports(module: str) -> tuple[str, ...]:
    return tuple(_imported(module))


def _imported(module: str) -> Iterator[str]:
    """Every module that an import statement of the module may mean, wherever the statement stands."""
    file = _file(module)
    is_package = file is not None and file.name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(_parse(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)

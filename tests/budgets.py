"""The house budget, held: tails of file and function length, positional arguments, public names.

Run by `make lint`; prints every violation as `file:line: what; what would be right` and exits 1.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("suite", "reports")
FILE_LINES, FILE_LINES_95 = 500, 300
FUNCTION_LINES, FUNCTION_LINES_95 = 80, 40
POSITIONAL = 5
PUBLIC_NAMES = 8
Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    files = sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    trees = {path.relative_to(ROOT): ast.parse(path.read_text()) for path in files}
    problems = [problem for path, tree in trees.items() for problem in check(path, tree)]
    problems += tail(
        "files", [len((ROOT / path).read_text().splitlines()) for path in trees], FILE_LINES_95
    )
    lengths = [length(f) for tree in trees.values() for f in functions(tree)]
    problems += tail("functions", lengths, FUNCTION_LINES_95)
    print(
        "\n".join(problems)
        or f"{len(files)} files, {len(lengths)} functions: within the house budget"
    )
    return 1 if problems else 0


def check(path: Path, tree: ast.Module) -> Iterator[str]:
    lines = len((ROOT / path).read_text().splitlines())
    if lines > FILE_LINES:
        yield f"{path}:1: {lines} lines; at most {FILE_LINES}"
    public = [name for name in public_names(tree) if not name.startswith("_")]
    if len(public) > PUBLIC_NAMES:
        yield f"{path}:1: {len(public)} public functions and classes ({', '.join(public)}); at most {PUBLIC_NAMES}"
    for function in functions(tree):
        if length(function) > FUNCTION_LINES:
            yield f"{path}:{function.lineno}: {function.name} has {length(function)} lines; at most {FUNCTION_LINES}"
        count = positional(function)
        if count > POSITIONAL and not is_operator(function):
            yield f"{path}:{function.lineno}: {function.name} takes {count} positional arguments; at most {POSITIONAL}"


def functions(tree: ast.Module) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def length(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def positional(function: Function) -> int:
    """Positional arguments; a command's parameters are its options, which click passes by name."""
    if any("command" in ast.unparse(decorator) for decorator in function.decorator_list):
        return 0
    arguments = [*function.args.posonlyargs, *function.args.args]
    return len(arguments) - (bool(arguments) and arguments[0].arg in {"self", "cls"})


def is_operator(function: Function) -> bool:
    """A convolution operator's constructor has the seven positional arguments that the language prescribes."""
    names = [argument.arg for argument in function.args.args]
    return names[1:8] == [
        "in_channels",
        "out_channels",
        "kernel",
        "stride",
        "padding",
        "dilation",
        "groups",
    ]


def public_names(tree: ast.Module) -> list[str]:
    return [node.name for node in tree.body if isinstance(node, Function | ast.ClassDef)]


def tail(what: str, sizes: list[int], limit: int) -> list[str]:
    over = sum(size > limit for size in sizes)
    if over <= 0.05 * len(sizes):
        return []
    return [f"{over} of {len(sizes)} {what} are longer than {limit} lines; at most 5 %"]


if __name__ == "__main__":
    sys.exit(main())

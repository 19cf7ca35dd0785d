"""The house budget, held: tails of size and of density, positional arguments, public names.

Run by `make lint`; prints every violation as `file:line: what; what would be right` and exits 1.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("suite", "reports")
FILE_LINES, FILE_LINES_95 = 500, 300
FUNCTION_LINES, FUNCTION_LINES_95 = 80, 40
BRANCHES, BRANCHES_95 = 15, 9
POSITIONAL = 5
PUBLIC_NAMES = 8
WIDE, WIDE_SHARE = 100, 0.05  # characters of a line, and how many lines may have more
TEMPLATE_LINE = 160
FLAT = 25  # files of a folder without sub-folders; blocks are found by their names
FLAT_EXCEPT = ("suite/nn/blocks",)
LATE_IMPORTS = (  # where a function may import
    # light commands start fast
    *("suite/cli/", "suite/session/", "suite/__init__.py", "suite/match.py"),
    "suite/yaml/errors.py",  # a mistake alone pays for finding the nearest word
    *("suite/runtimes/", "suite/train/journal.py"),  # what may be absent
    # slow libraries
    *("suite/nn/blocks/timm.py", "suite/nn/weights/published.py", "suite/metrics/audit.py"),
    "suite/jobs/footprint.py",  # memory is read before they are loaded
)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_BRANCHING = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.IfExp,
    ast.comprehension,
    ast.match_case,
)


@dataclass(frozen=True)
class Source:
    """One Python file, read once."""

    path: Path  # relative to the project
    text: str
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]


def main() -> int:
    sources = [read(path) for folder in SOURCES for path in sorted((ROOT / folder).rglob("*.py"))]
    problems = [problem for source in sources for problem in check(source)]
    problems += check_tails(sources)
    problems += check_templates()
    problems += check_folders(sources)
    count = sum(len(source.functions) for source in sources)
    print(
        "\n".join(problems) or f"{len(sources)} files, {count} functions: within the house budget"
    )
    return 1 if problems else 0


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT), text, ast.parse(text))


def check(source: Source) -> Iterator[str]:
    """What one file, and what any of its functions, has too much of."""
    path, count = source.path, len(source.lines)
    if count > FILE_LINES:
        yield f"{path}:1: {count} lines; at most {FILE_LINES}"
    public = [name for name in public_names(source.tree) if not name.startswith("_")]
    if len(public) > PUBLIC_NAMES:
        yield f"{path}:1: {len(public)} public functions and classes ({', '.join(public)}); at most {PUBLIC_NAMES}"
    for function in source.functions:
        yield from (
            f"{path}:{function.lineno}: {function.name} {said}" for said in excess(function)
        )
    for line in sorted(crowded(source.tree)):
        what = "a conditional expression within another, or in a comprehension that filters"
        yield f"{path}:{line}: {what}; name its parts"
    if not may_import_late(path):
        for line in sorted(late_imports(source)):
            yield f"{path}:{line}: an import within a function; at the top, as no light command comes here"


def excess(function: Function) -> Iterator[str]:
    """What a function has too much of."""
    if length(function) > FUNCTION_LINES:
        yield f"has {length(function)} lines; at most {FUNCTION_LINES}"
    if branches(function) > BRANCHES:
        yield f"has {branches(function)} branches; at most {BRANCHES}"
    if positional(function) > POSITIONAL and not is_operator(function):
        yield f"takes {positional(function)} positional arguments; at most {POSITIONAL}"


def check_tails(sources: Sequence[Source]) -> Iterator[str]:
    """Of files, functions and lines, all but one in twenty are within the narrower limit."""
    functions = [function for source in sources for function in source.functions]
    yield from tail("files", "lines", [len(source.lines) for source in sources], FILE_LINES_95)
    yield from tail("functions", "lines", [length(f) for f in functions], FUNCTION_LINES_95)
    yield from tail("functions", "branches", [branches(f) for f in functions], BRANCHES_95)
    widths = [len(line) for source in sources for line in source.lines]
    yield from tail("lines", "characters", widths, WIDE)


def check_templates() -> Iterator[str]:
    """Lines of the templates that nobody can read."""
    for path in sorted((ROOT / "reports" / "templates").rglob("*.j2")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > TEMPLATE_LINE:
                yield f"{path.relative_to(ROOT)}:{number}: {len(line)} characters; at most {TEMPLATE_LINE}"


def check_folders(sources: Sequence[Source]) -> Iterator[str]:
    """Folders whose families would show as prefixes of names only."""
    modules = [source.path for source in sources if source.path.name != "__init__.py"]
    for folder in sorted({path.parent for path in modules}):
        count = sum(path.parent == folder for path in modules)
        if count > FLAT and folder.as_posix() not in FLAT_EXCEPT:
            yield f"{folder}:1: {count} files; at most {FLAT}, the rest in sub-folders"


def length(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def branches(function: Function) -> int:
    """Ways through a function's own body: statements, conditional expressions, comprehensions, `and` and `or`."""
    count = 1
    for node in body_of(function):
        if isinstance(node, _BRANCHING):
            count += 1
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
    return count


def body_of(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function, less those of functions and classes within it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def crowded(tree: ast.Module) -> set[int]:
    """The lines of conditional expressions that stand within another, or in a comprehension with a filter."""
    lines = set()
    for node in ast.walk(tree):
        filters = isinstance(node, Comprehension) and any(loop.ifs for loop in node.generators)
        if filters or isinstance(node, ast.IfExp):
            inner = (part for part in ast.walk(node) if part is not node)
            lines |= {part.lineno for part in inner if isinstance(part, ast.IfExp)}
    return lines


def may_import_late(path: Path) -> bool:
    return path.as_posix().startswith(LATE_IMPORTS)


def late_imports(source: Source) -> set[int]:
    """The lines of imports within functions."""
    inner = (node for function in source.functions for node in ast.walk(function))
    return {node.lineno for node in inner if isinstance(node, ast.Import | ast.ImportFrom)}


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


def tail(what: str, unit: str, sizes: Sequence[int], limit: int) -> list[str]:
    over = sum(size > limit for size in sizes)
    if over <= WIDE_SHARE * len(sizes):
        return []
    return [f"{over} of {len(sizes)} {what} have more than {limit} {unit}; at most 5 % may"]


if __name__ == "__main__":
    sys.exit(main())

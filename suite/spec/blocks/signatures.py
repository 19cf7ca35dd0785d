"""What a block's constructor takes, read from its source: the schema of a layer's options, without torch.

`convnext.ConvNeXt` is the class `ConvNeXt` in `blocks/convnext.py` or `heads/convnext.py`. What its constructor is
given by the builder (`in_channels`, `out_channels`, `repeat`, `stride`, `make`, and for heads `classes` and
`strides`) is no option; every other parameter is.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from suite.record import Json
from suite.spec.blocks.stubs import is_served, read_stub
from suite.yaml.errors import SpecError, quote, suggest

Kind = Literal["block", "operator", "head"]

_NN = Path(__file__).resolve().parents[2] / "nn"
_GIVEN: dict[Kind, frozenset[str]] = {
    "block": frozenset({"in_channels", "out_channels", "repeat", "stride", "make"}),
    "operator": frozenset(
        {"in_channels", "out_channels", "kernel", "stride", "padding", "dilation", "groups", "make"}
    ),
    "head": frozenset({"in_channels", "classes", "strides", "make"}),
}
YOLOV5 = ("yolov5",)  # served by a head that does not say what it serves
_HEAD = frozenset({"classes", "strides"})
_OPERATOR = ("in_channels", "out_channels", "kernel", "stride", "padding", "dilation", "groups")
_SHAPE = "ConvShape"  # as its first argument an operator may take all seven in one, see `suite.nn.operators`


class Default(Enum):
    """Defaults that are no plain value."""

    REQUIRED = "required"
    COMPUTED = "computed"  # an expression that only running the file could tell


REQUIRED = Default.REQUIRED
OptionDefault: TypeAlias = "Json | Default"


@dataclass(frozen=True, slots=True)
class BlockSignature:
    """The parameters of one block. `types` are the options' annotations as written, "" where there is none."""

    address: str
    kind: Kind
    options: Mapping[str, OptionDefault]
    types: Mapping[str, str]
    takes_out: bool
    takes_repeat: bool
    takes_stride: bool
    multi_input: bool
    stride: int  # what the constructor takes where a layer says nothing
    file: Path
    assigners: tuple[str, ...] = ()  # of a head: those it serves

    def check_option(self, name: str) -> str:
        """A complaint about an option's name, "" if the block has it."""
        if name in self.options:
            return ""
        return f"{self.address} has no option {quote(name)}"


class Signatures:
    """The block files of some folders; each is read once, when first asked for."""

    def __init__(
        self, blocks: Sequence[Path] = (_NN / "blocks",), heads: Sequence[Path] = (_NN / "heads",)
    ) -> None:
        self._folders: tuple[tuple[Path, Kind], ...] = (
            *((folder, "block") for folder in blocks),
            *((folder, "head") for folder in heads),
        )
        self._classes: dict[Path, dict[str, ast.ClassDef]] = {}
        self._signatures: dict[str, BlockSignature] = {}

    def get(self, address: str) -> BlockSignature:
        """The signature behind an address; SpecError (without a place) for a file or class that is not there."""
        if address not in self._signatures:
            self._signatures[address] = self._read(address)
        return self._signatures[address]

    def addresses(self) -> tuple[str, ...]:
        """Every block, operator and head there is."""
        addresses: list[str] = []
        for stem in self._stems():
            path, _ = self._file(stem)
            addresses += [
                f"{stem}.{name}" for name in self._read_classes(path) if self._is_block(stem, name)
            ]
        return tuple(sorted(addresses))

    def _is_block(self, stem: str, name: str) -> bool:
        try:
            self.get(f"{stem}.{name}")
        except SpecError:
            return False
        return True

    def stems(self) -> frozenset[str]:
        """The names of the block files."""
        return frozenset(self._stems())

    def _stems(self) -> Iterator[str]:
        for folder, _ in self._folders:
            yield from sorted(
                path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")
            )

    def _file(self, stem: str) -> tuple[Path, Kind]:
        for folder, kind in self._folders:
            path = folder / f"{stem}.py"
            if stem.isidentifier() and not stem.startswith("_") and path.is_file():
                return path, kind
        raise _error(f"no block file {quote(stem)}", suggest(stem, self._stems()))

    def _read_classes(self, path: Path) -> dict[str, ast.ClassDef]:
        if path not in self._classes:
            self._classes[path] = _classes(lambda: read_stub(path), path.name)
        return self._classes[path]

    def _read(self, address: str) -> BlockSignature:
        stem, dot, name = address.partition(".")
        if not dot or not name.isidentifier():
            raise _error(f"{quote(address)} is no block", "write file.Class, such as conv.Conv")
        path, kind = self._file(stem)
        return signature_in(self._read_classes(path), address, kind, path)


def classes_of(source: bytes | str, name: str) -> dict[str, ast.ClassDef]:
    """The classes of a block file's source, which is not run; SpecError (without a place) if it is not Python."""
    return _classes(lambda: ast.parse(source), name)


def signature_in(
    classes: Mapping[str, ast.ClassDef], address: str, kind: Kind | Literal[""], path: Path
) -> BlockSignature:
    """The signature of one of a file's classes; SpecError (without a place) if it is no block.

    Without a `kind` the constructor tells: a head is what takes `classes` and `strides`.
    """
    name = address.partition(".")[2]
    public = [known for known in classes if not known.startswith("_")]
    if name not in public:
        raise _error(f"{path.name} has no block {quote(name)}", suggest(name, public))
    arguments = _constructor(classes, name)
    if arguments is None:
        hint = (
            "the constructor of a block takes the channels in as its first argument, `in_channels`"
        )
        raise _error(f"{address} is no block", hint)
    keywords = {argument.arg for argument in arguments.kwonlyargs}
    by_keywords: Kind = "head" if keywords >= _HEAD else "block"
    signature = _signature(address, kind or by_keywords, path, arguments)
    if signature.kind != "head":
        return signature
    return replace(signature, assigners=_served(classes, name))


@lru_cache(maxsize=1)
def default_signatures() -> Signatures:
    """The blocks and heads of the suite."""
    return Signatures()


def signature(address: str) -> BlockSignature:
    """The signature of one of the suite's blocks, operators or heads, such as `c3.C3`; SpecError if there is none."""
    return default_signatures().get(address)


def _classes(parse: Callable[[], ast.Module], name: str) -> dict[str, ast.ClassDef]:
    try:
        tree = parse()
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _error(f"the block file {name} is not Python", str(error)) from None
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _error(message: str, hint: str) -> SpecError:
    return SpecError.single(None, "E201", message, hint=hint)


def _constructor(classes: Mapping[str, ast.ClassDef], name: str) -> ast.arguments | None:
    """The arguments of `__init__`, its own or that of a base class in the same file; None if it takes no maps."""
    node = classes[name]
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            names = [argument.arg for argument in statement.args.posonlyargs + statement.args.args]
            is_block = names[1:2] == ["in_channels"] or _takes_shape(statement.args)
            return statement.args if is_block else None
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes and base.id != name:
            return _constructor(classes, base.id)
    return None


def _takes_shape(arguments: ast.arguments) -> bool:
    return any(_annotation(argument) == _SHAPE for argument in arguments.args[1:2])


def _served(classes: Mapping[str, ast.ClassDef], name: str) -> tuple[str, ...]:
    """What a head's class attribute `assigners` lists, its own or that of a base class in the same file."""
    for statement in classes[name].body:
        if (
            is_served(statement)
            and isinstance(statement, ast.AnnAssign)
            and statement.value is not None
        ):
            return tuple(ast.literal_eval(statement.value))
    for base in classes[name].bases:
        if isinstance(base, ast.Name) and base.id in classes and base.id != name:
            return _served(classes, base.id)
    return YOLOV5


def _signature(address: str, kind: Kind, path: Path, arguments: ast.arguments) -> BlockSignature:
    positional = arguments.posonlyargs + arguments.args
    names = tuple(argument.arg for argument in positional[1:])
    takes_shape = _takes_shape(arguments)
    if kind == "block" and (takes_shape or names[: len(_OPERATOR)] == _OPERATOR):
        kind = "operator"
    missing = len(positional) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [
        *[None] * missing,
        *arguments.defaults,
        *arguments.kw_defaults,
    ]
    given = list(zip(positional + arguments.kwonlyargs, defaults, strict=True))
    given = given[2:] if takes_shape else given[1:]  # without `self`
    parameters = {argument.arg: (argument, _default(default)) for argument, default in given}
    options = {
        name: default for name, (_, default) in parameters.items() if name not in _GIVEN[kind]
    }
    stride = parameters["stride"][1] if "stride" in parameters else 1
    return BlockSignature(
        address=address,
        kind=kind,
        options=options,
        types={name: _annotation(parameters[name][0]) for name in options},
        takes_out=takes_shape or "out_channels" in parameters,
        takes_repeat="repeat" in parameters,
        takes_stride=takes_shape or "stride" in parameters,
        multi_input=not takes_shape
        and _annotation(parameters["in_channels"][0]).startswith("tuple["),
        stride=stride if isinstance(stride, int) else 1,
        file=path,
    )


def _annotation(argument: ast.arg) -> str:
    return ast.unparse(argument.annotation) if argument.annotation else ""


def _default(node: ast.expr | None) -> OptionDefault:
    if node is None:
        return REQUIRED
    try:
        value: Json = ast.literal_eval(node)
    except ValueError:
        return Default.COMPUTED
    return list(value) if isinstance(value, tuple) else value

"""Whether a value fits the annotation of the constructor's parameter that it is meant for."""

import ast
from functools import cache

from suite.record import Json
from suite.spec.blocks.signatures import REQUIRED, BlockSignature
from suite.yaml.errors import quote

# torch builds a convolution of kernel 0, and fails later
POSITIVE = frozenset({"kernel", "dilation", "groups", "scale"})
SEQUENCES = frozenset({"tuple", "list", "Sequence", "Iterable", "Collection"})
MAPPINGS = frozenset({"dict", "Mapping"})


def misfit(signature: BlockSignature, name: str, value: Json) -> str:
    """A complaint about an option's value, "" if it fits."""
    annotation = signature.types[name]
    if annotation and not _fits(_parsed(annotation), value):
        return f"{signature.address}: {name} takes {readable(annotation)}, not {quote(value)}"
    if name in POSITIVE and isinstance(value, int | float) and not value > 0:
        return f"{signature.address}: {name} is above 0, not {value:g}"
    return ""


def missing(signature: BlockSignature, given: set[str]) -> list[str]:
    """The options that a layer must state and does not."""
    return [
        name
        for name, default in signature.options.items()
        if default is REQUIRED and name not in given
    ]


@cache
def _parsed(annotation: str) -> ast.expr:
    return ast.parse(annotation, mode="eval").body


def readable(annotation: str) -> str:
    """An annotation in words, where it is one of the plain kinds."""
    names = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a word"}
    return names.get(annotation, annotation)


def _fits(annotation: ast.expr, value: Json) -> bool:
    """Annotations that are not understood fit everything: the constructor is asked at build anyway."""
    if isinstance(annotation, ast.BinOp):
        return _fits(annotation.left, value) or _fits(annotation.right, value)
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return value is None
    if isinstance(annotation, ast.Name):
        return _fits_name(annotation.id, value)
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.value, ast.Name):
        return _fits_generic(annotation.value.id, annotation.slice, value)
    return True


def _fits_name(name: str, value: Json) -> bool:
    if name == "bool":
        return isinstance(value, bool)
    if name == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) if name == "str" else True


def _fits_generic(name: str, inner: ast.expr, value: Json) -> bool:
    members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        return any(
            isinstance(member, ast.Constant) and _same(member.value, value) for member in members
        )
    if name in MAPPINGS:
        return isinstance(value, dict)
    if name not in SEQUENCES:
        return True
    if not isinstance(value, list):
        return False
    fixed = name == "tuple" and not (
        isinstance(members[-1], ast.Constant) and members[-1].value is ...
    )
    if fixed:
        return len(value) == len(members) and all(map(_fits, members, value))
    return all(_fits(members[0], item) for item in value)


def _same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right

"""From an address to the class behind it. The one place where a user's own code is run, and only if it may."""

import importlib
import importlib.machinery
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType

from torch import nn

from suite.spec.records.blockfile import BlockFile
from suite.yaml.errors import SpecError


def find_class(address: str, files: Sequence[BlockFile] = ()) -> type[nn.Module]:
    """The class of an address that the decoder has already checked; `files` are the user's own.

    Raises:
        SpecError: the user's file may not run, or it fails.
    """
    stem, _, name = address.partition(".")
    file = owner_of(address, files)
    if file is not None:
        return getattr(_loaded(file), name)
    folder = next(
        f
        for f in ("blocks", "heads")
        if importlib.util.find_spec(f"suite.nn.{f}.{stem}") is not None
    )
    return getattr(importlib.import_module(f"suite.nn.{folder}.{stem}"), name)


def owner_of(address: str, files: Sequence[BlockFile]) -> BlockFile | None:
    """The user's own file that an address means, None if it is one of the suite's."""
    stem = address.partition(".")[0]
    return next((file for file in files if file.stem == stem), None)


def describe_failure(file: BlockFile, error: BaseException) -> str:
    """What a user's code raised, and where in it."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file.path]
    line = lines[-1] if lines else None
    if isinstance(error, SyntaxError):
        line = error.lineno
    where = f" ({file.path}:{line})" if line else ""
    return f"{type(error).__name__}: {error}{where}"


def _loaded(file: BlockFile) -> ModuleType:
    """The module of a block file, whose source is run as it was read, once in a process."""
    if not file.trusted:
        message = f"{file.path} is code from outside this project, and would run"
        raise SpecError.single(file.mark, "E212", message, hint="read it, then add --allow-code")
    name = f"suite_user_{file.digest[:16]}.{file.stem}"
    if name not in sys.modules:
        _run(file, name)
    return sys.modules[name]


def _run(file: BlockFile, name: str) -> None:
    module = ModuleType(name)
    module.__file__ = file.path
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, origin=file.path)
    # while it runs already, as any module: a dataclass looks itself up there
    sys.modules[name] = module
    try:
        exec(compile(file.source, file.path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  it may run
    except Exception as error:
        del sys.modules[name]
        message = f"the block file fails: {describe_failure(file, error)}"
        raise SpecError.single(file.mark, "E311", message) from error

"""Spec files that commands write: their first line, their place, and that nothing is overwritten unasked."""

import os
from pathlib import Path

from suite.cli.output import ExitCode, Refusal
from suite.files import WriteError, replacing
from suite.shipped import CHECKOUT, SHIPPED
from suite.spec.catalogue import is_name
from suite.spec.library import PROJECT, VARIANTS
from suite.yaml.document import shown_path
from suite.yaml.errors import quote

SCHEMA = SHIPPED / "schema" / "variant.schema.json"
NAME_HINT = "a name has letters, digits, '.', '_' and '-' and starts with a letter or digit"


def schema_line(folder: Path) -> str:
    """The comment that tells an editor the schema of a file in `folder`."""
    return f"# yaml-language-server: $schema={os.path.relpath(SCHEMA, folder.resolve())}\n"


def new_folder() -> Path:
    """Where a new variant's file goes: `variants/` of the working folder, or of the checkout if there is none."""
    return VARIANTS if CHECKOUT and not PROJECT.is_dir() else PROJECT


def spec_path(output: Path, name: str) -> Path:
    """Where a variant's file goes: `output` itself, if it is called so, or the file of that name in the folder.

    Raises:
        Refusal: the name cannot be one.
    """
    is_file = output.suffix == ".yaml"
    name = output.stem if is_file else name
    if not is_name(name):
        raise Refusal(ExitCode.USAGE, f"{quote(name)} cannot name a variant; {NAME_HINT}")
    return output if is_file else output / f"{name}.yaml"


def write_spec(path: Path, text: str, *, force: bool) -> None:
    """Write the file, and its folder where that is lacking.

    Raises:
        Refusal: the file is there and `force` is not set, or nothing can have its name.
        WriteError: the disk is full, or cannot be written to.
    """
    if path.exists() and not force:
        raise Refusal(ExitCode.USAGE, f"{shown_path(path)} is there already; --force overwrites it")
    try:
        with replacing(path, size=len(text.encode())) as part:
            part.write_text(text, encoding="utf-8")
    except WriteError:
        raise
    except OSError as error:
        raise Refusal(
            ExitCode.USAGE, f"{shown_path(path)} cannot be written: {error.strerror}"
        ) from None

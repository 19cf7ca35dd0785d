"""Set-ups of a timing: device, runtime and precision, written `cpu-onnxruntime-fp32`; `cpu-fp32` means eager.

What a runtime offers stands in its own file in `suite/runtimes`, as literals at the top, and is read from the source:
asking what there is imports neither torch nor the runtime, and a new file is an offer.
"""

import ast
import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "runtimes"
EAGER = "eager"
_LITERALS = ("PRECISIONS", "MODES", "MODULES", "PROGRAMS")


@dataclass(frozen=True, slots=True)
class Setup:
    """One way to time. `runtime` is a file's name, with `+` and a mode unless the mode is the file's first."""

    device: str
    runtime: str
    precision: str

    def __str__(self) -> str:
        return f"{self.device}-{self.runtime}-{self.precision}"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a runtime's file says of itself.

    `precisions` are those of each kind of device; the first of `modes` needs no mention. `modules` and `programs` are
    what it cannot do without, each with the command that installs it.
    """

    name: str
    precisions: Mapping[str, tuple[str, ...]]
    modes: tuple[str, ...]
    modules: Mapping[str, str]
    programs: Mapping[str, str]

    @property
    def lacking(self) -> str:
        """What is not installed here and how to get it; "" if there is nothing."""
        wanted = {
            **{m: how for m, how in self.modules.items() if importlib.util.find_spec(m) is None},
            **{p: how for p, how in self.programs.items() if shutil.which(p) is None},
        }
        return "; ".join(f"{what} is not here: {how}" for what, how in wanted.items())

    @property
    def names(self) -> tuple[str, ...]:
        """The runtime's name in every mode."""
        return tuple(
            self.name if mode == self.modes[0] else f"{self.name}+{mode}" for mode in self.modes
        )


@cache
def offers() -> Mapping[str, Offer]:
    """Every runtime there is by name, eager first."""
    stems = sorted(
        (file.stem for file in FOLDER.glob("*.py") if file.stem != "__init__"),
        key=lambda s: (s != EAGER, s),
    )
    return {stem: Offer(stem, **_literals(FOLDER / f"{stem}.py")) for stem in stems}


@cache
def setups() -> Mapping[str, Setup]:
    """Every set-up that may be asked for, by each way to write it."""
    by_name = {}
    for offer in offers().values():
        for device, precisions in offer.precisions.items():
            for setup in (
                Setup(device, name, precision) for name in offer.names for precision in precisions
            ):
                by_name[str(setup)] = setup
                if setup.runtime == EAGER:
                    by_name[f"{device}-{setup.precision}"] = setup
    return by_name


def offer_of(runtime: str) -> Offer:
    """The offer of a runtime that is there, whatever its mode."""
    return offers()[runtime.partition("+")[0]]


def _literals(file: Path) -> dict[str, Any]:
    literals = {}
    for node in ast.parse(file.read_bytes()).body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.value is not None
        ):
            name, value = node.target.id, node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
        else:
            continue
        if name in _LITERALS:
            literals[name.lower()] = ast.literal_eval(value)
    return literals

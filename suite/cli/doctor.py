"""`doctor`: what this machine has, and how to mend what is missing."""

import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click
from packaging.version import Version

from suite import machine
from suite.cli.options import json_option
from suite.cli.output import ExitCode, reply, table
from suite.machine.description import installed_version
from suite.protocols.setups import Offer, offers
from suite.shipped import SHIPPED
from suite.yaml.document import shown_path
from suite.yaml.errors import first_line

_PYTHON = (3, 11)
_TORCH = (2, 10)
_DISK_GIB = 2.0  # a demo run with its checkpoints needs less than one
_OUT = Path("out")
_DATA = _OUT / "data"
_TESTED = SHIPPED / "constraints.txt"
_NEEDED = (
    "torchvision",
    "cv2",
    "safetensors",
    "fvcore",
    "thop",
    "pycocotools",
    "pandas",
    "seaborn",
    "scipy",
)
_OPTIONAL = {
    "pynvml": "pip install nvidia-ml-py",
    "timm": "pip install timm",
}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
Status = Literal["ok", "absent", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for: "absent" is something that one can do without, "missing" is not."""

    what: str
    status: Status
    found: str
    mend: str = ""


@click.command("doctor")
@json_option
def command(*, as_json: bool) -> int:
    """Say what this machine has for the suite, and how to mend what is missing.

    Exits 5 if something is missing that the main job cannot do without.
    """
    findings = examine()
    if as_json:
        reply(
            "doctor",
            {"machine": machine.describe(), "findings": [asdict(finding) for finding in findings]},
        )
    else:
        table(
            ("WHAT", "STATUS", "FOUND", "MEND"),
            [(f.what, f.status, f.found, f.mend) for f in findings],
        )
    return (
        ExitCode.UNFIT
        if any(finding.status == "missing" for finding in findings)
        else ExitCode.DONE
    )


def examine(checks: Sequence[Callable[[], Sequence[Finding]]] | None = None) -> tuple[Finding, ...]:
    """All findings, in the order in which they should be mended."""
    parts = (
        _python,
        _torch,
        _packages,
        _versions,
        _gpus,
        _runtimes,
        _optional,
        _disk,
        _data,
        _threads,
        _quiet,
        _checkout,
        _browser,
    )
    return tuple(finding for check in (checks or parts) for finding in check())


def _python() -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= _PYTHON
    return [
        _judge("python", good, version, f"install Python {'.'.join(map(str, _PYTHON))} or newer")
    ]


def _torch() -> list[Finding]:
    mend = f"pip install 'torch>={'.'.join(map(str, _TORCH))}'"
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:
        return [Finding("torch", "missing", first_line(error), mend)]
    version = str(torch.__version__)
    number = tuple(int(part) for part in version.split("+", maxsplit=1)[0].split(".")[:2])
    threads = f"{torch.get_num_threads()} threads by default"
    return [_judge("torch", number >= _TORCH, f"{version}, {threads}", mend)]


def _packages() -> list[Finding]:
    absent = [name for name in _NEEDED if not _has(name)]
    state = f"without {', '.join(absent)}" if absent else f"{len(_NEEDED)} of {len(_NEEDED)}"
    return [_judge("packages", not absent, state, "pip install -e .")]


def _versions(constraints: Path = _TESTED) -> list[Finding]:
    """The installed versions that are unlike those tested together; what is not installed does not count."""
    lines = constraints.read_text(encoding="utf-8").splitlines()
    tested = dict(line.split("==") for line in lines if not line.startswith("#"))
    installed = {name: version for name in tested if (version := installed_version(name))}
    others = [
        name for name, version in installed.items() if Version(version) != Version(tested[name])
    ]
    if not others:
        return [Finding("versions", "ok", f"{len(installed)} as tested together")]
    differences = ", ".join(f"{name} {installed[name]} (tested: {tested[name]})" for name in others)
    mend = f"pip install -c {shown_path(constraints)} {' '.join(others)}"
    return [Finding("versions", "absent", f"never tested together: {differences}", mend)]


def _gpus() -> list[Finding]:
    cards = machine.gpus()
    if not cards:
        return [
            Finding(
                "GPU",
                "absent",
                "no NVIDIA driver or card",
                "nothing to do: everything runs on the processor",
            )
        ]
    names = ", ".join(
        f"{card['name']} ({card['memory_gib']} GiB, driver {card['driver']})" for card in cards
    )
    if _has("torch") and importlib.import_module("torch").cuda.is_available():
        return [Finding("GPU", "ok", names)]
    mend = "install the torch build for this driver: https://pytorch.org/get-started/locally"
    return [Finding("GPU", "absent", f"{names}, unseen by torch", mend)]


def _runtimes() -> list[Finding]:
    """Every runtime that `bench --runtime` and protocols may name, and whether it can be had here."""
    return [_runtime(offer, gpu=bool(machine.gpus())) for offer in offers().values()]


def _runtime(offer: Offer, *, gpu: bool) -> Finding:
    what = f"runtime {offer.name}"
    devices = ", ".join(
        f"{device} ({', '.join(precisions)})" for device, precisions in offer.precisions.items()
    )
    if offer.lacking:
        return Finding(what, "absent", devices, offer.lacking)
    if not gpu and "cpu" not in offer.precisions:
        return Finding(what, "absent", devices, "nothing to do: it needs an NVIDIA card")
    return Finding(what, "ok", devices)


def _optional() -> list[Finding]:
    return [_extra(name, mend) for name, mend in _OPTIONAL.items()]


def _extra(name: str, mend: str) -> Finding:
    if _has(name):
        return Finding(name, "ok", "installed")
    return Finding(name, "absent", "not installed", mend)


def _disk(folder: Path = _OUT) -> list[Finding]:
    """Room and permission where results go."""
    existing = folder if folder.exists() else Path()
    free = shutil.disk_usage(existing).free / 2**30
    room = _judge(
        "disk",
        free >= _DISK_GIB,
        f"{free:.1f} GiB free",
        f"free {_DISK_GIB:g} GiB or run elsewhere",
    )
    writable = os.access(existing, os.W_OK)
    path = str(existing.resolve())
    return [
        room,
        _judge("output folder", writable, path, f"make {path} writable, or run elsewhere"),
    ]


def _data(folder: Path = _DATA) -> list[Finding]:
    sets: list[str] = []
    if folder.is_dir():
        sets = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if sets:
        return [Finding("data", "ok", ", ".join(sets))]
    return [
        Finding("data", "absent", "no data set yet", "nothing to do: `run` writes the built-in one")
    ]


def _threads() -> list[Finding]:
    described = machine.describe()
    values = described["threads"]
    assert isinstance(values, dict)
    variables = ", ".join(f"{name}={value}" for name, value in values.items()) or "no variable set"
    summary = f"{described['cores']} cores; {variables}; jobs set their own"
    return [Finding("threads", "ok", summary)]


def _quiet() -> list[Finding]:
    reasons = machine.unrest()
    mend = "timings will be noisy: stop what runs beside" if reasons else ""
    return [Finding("quiet", "absent" if reasons else "ok", "; ".join(reasons) or "idle", mend)]


def _checkout() -> list[Finding]:
    commit = machine.checkout()
    if not commit:
        mend = "run from a git checkout, so that results say which code made them"
        return [Finding("code", "absent", "no git checkout", mend)]
    dirty = ", with changes" if commit["dirty"] else ""
    return [Finding("code", "ok", f"commit {str(commit['commit'])[:12]}{dirty}")]


def _browser() -> list[Finding]:
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path:
        return [Finding("Chromium", "ok", path)]
    return [
        Finding(
            "Chromium",
            "absent",
            "not found",
            "apt-get install chromium; only the report's own tests need it",
        )
    ]


def _judge(what: str, good: bool, seen: str, mend: str) -> Finding:
    return Finding(what, "ok", seen) if good else Finding(what, "missing", seen, mend)


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None

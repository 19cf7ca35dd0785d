"""What this machine is: processor, memory, GPUs, libraries, and what a container leaves of them."""

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import psutil

from suite.machine.eight_bits import weight_bits
from suite.machine.nvml import gpus, hides_cards
from suite.record import Json

_CPUINFO = Path("/proc/cpuinfo")
_CGROUP = Path("/sys/fs/cgroup")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    "KMP_BLOCKTIME",
)
_LIBRARIES = (
    *("torch", "torchvision", "numpy", "scipy", "timm", "fvcore", "thop", "pycocotools"),
    *("onnx", "onnxscript", "onnxruntime", "openvino", "tensorrt"),
)
_GIB = 2**30
_NO_LIMIT = 2**60  # version 1 of cgroups writes "no limit" as the largest multiple of the page size


def describe(environment: Mapping[str, str] = os.environ) -> dict[str, Json]:
    """This machine in plain JSON; `class` is equal for machines whose timings may share one history."""
    cpu, cores, cards = cpu_model(), os.cpu_count() or 1, gpus()
    names = [str(card["name"]) for card in cards]
    if not names:
        names = ["unknown GPU (nvidia-ml-py is not installed)" if hides_cards() else "no GPU"]
    # some come built for a GPU under a name of its own
    libraries: dict[str, Json] = {
        name: installed_version(name) or installed_version(f"{name}-gpu") for name in _LIBRARIES
    }
    return {
        "class": ", ".join([cpu, f"{cores} cores", *names]),
        "cpu": cpu,
        "cores": cores,
        "memory_gib": round(psutil.virtual_memory().total / _GIB, 1),
        "os": platform.platform(),
        "python": platform.python_version(),
        "torch": libraries["torch"],
        "libraries": libraries,
        "gpus": [dict(card) for card in cards],
        "container": container_limits(),
        "int8_weight_bits": weight_bits(),
        "threads": {name: environment[name] for name in _THREAD_VARIABLES if name in environment},
    }


def cpu_model(cpuinfo: Path = _CPUINFO) -> str:
    """The processor's name with family and model number: clouds give several processors one name."""
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    fields: dict[str, str] = {}
    for line in cpuinfo.read_text().splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    if "model name" not in fields:
        return platform.machine()
    return f"{fields['model name']} ({fields.get('cpu family', '?')}/{fields.get('model', '?')})"


def container_limits(cgroup: Path = _CGROUP) -> dict[str, Json]:
    """`cores` and `memory_gib` that a container (cgroup version 1 or 2) allows; empty where nothing limits."""
    limits: dict[str, Json] = {}
    quota, period = _cpu_quota(cgroup)
    if quota.isdigit() and period.isdigit():
        limits["cores"] = int(quota) / int(period)
    memory = _text(cgroup / "memory.max") or _text(cgroup / "memory" / "memory.limit_in_bytes")
    if memory.isdigit() and int(memory) < _NO_LIMIT:
        limits["memory_gib"] = round(int(memory) / _GIB, 1)
    return limits


def _cpu_quota(cgroup: Path) -> tuple[str, str]:
    """Microseconds of processor time in each period, and the period's; empty where they are not told."""
    quota, _, period = _text(cgroup / "cpu.max").partition(" ")
    if quota:
        return quota, period
    folder = cgroup / "cpu"
    return _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")


def _text(file: Path) -> str:
    return file.read_text().strip() if file.is_file() else ""


def installed_version(distribution: str) -> str | None:
    """The version of an installed package, None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None

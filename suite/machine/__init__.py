"""What this machine is, whether it is quiet enough to time on, and which checkout runs. Never imports torch.

What is watched while something is timed: `sensors` (processor), `nvml` (GPU), `energy`.
"""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from suite.machine.eight_bits import weight_bits
from suite.record import Json
from suite.shipped import CHECKOUT

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_BUSY_ALLOWED = 0.10
_STEAL_ALLOWED = 0.01
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


@dataclass(frozen=True, slots=True)
class Load:
    """Shares (0 to 1) of all cores' time since an earlier reading, and the load average of the last minute.

    The shares are None where the system does not say.
    """

    average: float
    busy: float | None
    steal: float | None


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Clock ticks since boot, over all cores."""

    total: int
    idle: int
    steal: int


def describe(environment: Mapping[str, str] = os.environ) -> dict[str, Json]:
    """This machine in plain JSON; `class` is equal for machines whose timings may share one history."""
    cpu, cores, cards = _cpu_model(), os.cpu_count() or 1, gpus()
    names = [str(card["name"]) for card in cards]
    # some come built for a GPU under a name of its own
    libraries: dict[str, Json] = {
        name: _version(name) or _version(f"{name}-gpu") for name in _LIBRARIES
    }
    return {
        "class": ", ".join([cpu, f"{cores} cores", *(names or ["no GPU"])]),
        "cpu": cpu,
        "cores": cores,
        "memory_gib": round(psutil.virtual_memory().total / _GIB, 1),
        "os": platform.platform(),
        "python": platform.python_version(),
        "torch": libraries["torch"],
        "libraries": libraries,
        "gpus": [dict(card) for card in cards],
        "container": _container_limits(),
        "int8_weight_bits": weight_bits(),
        "threads": {name: environment[name] for name in _THREAD_VARIABLES if name in environment},
    }


def _cpu_model(proc: Path = _PROC) -> str:
    """The processor's name with family and model number: clouds give several processors one name."""
    info = proc / "cpuinfo"
    if not info.exists():
        return platform.processor() or platform.machine()
    fields: dict[str, str] = {}
    for line in info.read_text().splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    if "model name" not in fields:
        return platform.machine()
    return f"{fields['model name']} ({fields.get('cpu family', '?')}/{fields.get('model', '?')})"


def gpus(query: Callable[[], str] | None = None) -> tuple[dict[str, Json], ...]:
    """Name, memory and driver of every NVIDIA card; empty where the driver's tool is missing or finds none."""
    cards: list[dict[str, Json]] = []
    for line in (query or _nvidia_smi)().splitlines():
        name, memory, driver = (field.strip() for field in line.split(","))
        cards.append({"name": name, "memory_gib": round(float(memory) / 1024, 1), "driver": driver})
    return tuple(cards)


def _container_limits(cgroup: Path = _CGROUP) -> dict[str, Json]:
    """Cores and GiB that a container (cgroup version 1 or 2) allows; empty where nothing limits."""
    limits: dict[str, Json] = {}
    quota, period = [*_words(cgroup / "cpu.max"), "", ""][:2]
    if not quota:
        quota = "".join(_words(cgroup / "cpu" / "cpu.cfs_quota_us"))
        period = "".join(_words(cgroup / "cpu" / "cpu.cfs_period_us"))
    if quota.isdigit() and period.isdigit():
        limits["cores"] = int(quota) / int(period)
    memory = _words(cgroup / "memory.max") or _words(cgroup / "memory" / "memory.limit_in_bytes")
    # Version 1 writes "no limit" as the largest multiple of the page size.
    if memory and memory[0].isdigit() and int(memory[0]) < 2**60:
        limits["memory_gib"] = round(int(memory[0]) / _GIB, 1)
    return limits


def cpu_times(proc: Path = _PROC) -> CpuTimes | None:
    """The counters of all cores together; None where there is no /proc."""
    stat = proc / "stat"
    if not stat.exists():
        return None
    user, nice, system, idle, iowait, irq, softirq, steal = map(
        int, stat.read_text().split("\n", 1)[0].split()[1:9]
    )
    return CpuTimes(
        user + nice + system + idle + iowait + irq + softirq + steal, idle + iowait, steal
    )


def load_since(before: CpuTimes | None, proc: Path = _PROC) -> Load:
    """How busy the cores were since the reading `before`."""
    after, average = cpu_times(proc), os.getloadavg()[0]
    if before is None or after is None or after.total == before.total:
        return Load(average, None, None)
    total = after.total - before.total
    idle = after.idle - before.idle
    return Load(average, 1 - idle / total, (after.steal - before.steal) / total)


def unrest(
    seconds: float = 0.5, *, sleep: Callable[[float], None] = time.sleep, proc: Path = _PROC
) -> tuple[str, ...]:
    """Why timings taken now would be disturbed; empty on an idle machine. Watches the cores for `seconds`."""
    before = cpu_times(proc)
    sleep(seconds)
    load = load_since(before, proc)
    reasons = []
    if load.busy is not None and load.busy > _BUSY_ALLOWED:
        reasons.append(f"the cores are {load.busy:.0%} busy; allowed {_BUSY_ALLOWED:.0%}")
    if load.steal is not None and load.steal > _STEAL_ALLOWED:
        reasons.append(
            f"the host takes {load.steal:.0%} of the time away; allowed {_STEAL_ALLOWED:.0%}"
        )
    return tuple(reasons)


def checkout(folder: Path | None = CHECKOUT) -> dict[str, Json]:
    """Commit of the checkout in `folder` and whether tracked files differ from it; empty outside git."""
    if folder is None:  # a wheel, maybe in an environment inside somebody else's checkout
        return {}
    commit = _output(["git", "-C", str(folder), "rev-parse", "HEAD"]).strip()
    if not commit:
        return {}
    changed = _output(["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no"])
    return {"commit": commit, "dirty": bool(changed.strip())}


def _words(file: Path) -> list[str]:
    return file.read_text().split() if file.is_file() else []


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _nvidia_smi() -> str:
    if shutil.which("nvidia-smi") is None:
        return ""
    fields = "name,memory.total,driver_version"
    return _output(["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"])


def _output(command: list[str]) -> str:
    """Standard output of a command; empty if it is missing, fails or hangs, as a sick GPU driver does."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""

"""What this machine is, whether it is quiet enough to time on, and which checkout runs. Never imports torch.

What is watched while something is timed: `sensors` (processor), `nvml` (GPU), `energy`.
"""

from suite.machine.description import describe
from suite.machine.load import CpuTimes, Load, cpu_times, load_since, unrest
from suite.machine.nvml import gpus
from suite.machine.repository import checkout

__all__ = [
    "CpuTimes",
    "Load",
    "checkout",
    "cpu_times",
    "describe",
    "gpus",
    "load_since",
    "unrest",
]

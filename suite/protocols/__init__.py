"""Protocols: what a run does. One YAML file each in this folder, found by name; `load` makes it a record."""

from suite.protocols.budget import Budget, Checkpoints
from suite.protocols.decode import load, names
from suite.protocols.protocol import BuiltIn, Cost, Latency, Protocol, Timeouts, Verdict
from suite.protocols.setups import Setup

__all__ = [
    "Budget",
    "BuiltIn",
    "Checkpoints",
    "Cost",
    "Latency",
    "Protocol",
    "Setup",
    "Timeouts",
    "Verdict",
    "load",
    "names",
]

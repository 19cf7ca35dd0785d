"""How many bits of an int8 weight this processor can use. Never imports torch.

Where a processor has no dot product of eight-bit numbers, libraries multiply an unsigned map by a signed weight with
x86's `pmaddubsw`, which adds two products in 16 bits and saturates: 2 · 255 · 127 = 64,770 does not fit in 32,767.
With weights of seven bits nothing is lost: 2 · 255 · 64 = 32,640 does.
"""

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Literal

from suite.record import Json

_PROC = Path("/proc")
_DOT_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp"})
"""Features, as Linux names them, that add four products of eight bits in 32: x86's first, the last is Arm's."""


def weight_bits(features: AbstractSet[str] | None = None) -> Literal[7, 8]:
    """Bits for the weights of an int8 network: 8, or 7 where sums of products saturate, or nothing says they do not.

    Args:
        features: what the processor has, as in /proc/cpuinfo; None reads them.
    """
    if features is None:
        features = cpu_features()
    return 7 if _DOT_PRODUCTS.isdisjoint(features) else 8


def stated_weight_bits(precision: str) -> dict[str, Json]:
    """What a session states of its weights: nothing but in int8."""
    return {"weight_bits": weight_bits()} if precision == "int8" else {}


def cpu_features(proc: Path = _PROC) -> frozenset[str]:
    """The features of the first core that /proc/cpuinfo lists; empty where there is no such file."""
    info = proc / "cpuinfo"
    for line in info.read_text().splitlines() if info.is_file() else ():
        name, _, value = line.partition(":")
        if name.strip() in {"flags", "Features"}:  # of x86 and of Arm
            return frozenset(value.split())
    return frozenset()

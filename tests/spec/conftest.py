import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.spec.blocks.signatures import Signatures
from suite.spec.library import Library

BLOCKS = {
    "conv.py": """
        class Conv(Module):
            def __init__(self, in_channels: int, out_channels: int, *, make=None, kernel: int = 1,
                         stride: int = 1, padding: int | None = None, groups: int = 1):
                pass

        class Slim(Module):
            def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 1):
                pass

        class _Hidden(Module):
            def __init__(self, in_channels: int):
                pass

        class Tool:
            def __init__(self, size: int):
                pass
        """,
    "stage.py": """
        class _Base(Module):
            def __init__(self, in_channels: int, out_channels: int, *, make=None, repeat: int = 1,
                         shortcut: bool = True, ratio: float = 0.5, act: Literal["relu", "silu"] = "silu",
                         widths: tuple[int, ...] = (1, 2), limit: float = LIMIT):
                pass

        class Stage(_Base):
            pass

        class Enlarge(Module):
            def __init__(self, in_channels: int, *, scale: int = 2):
                pass

        class Merge(Module):
            def __init__(self, in_channels: tuple[int, ...], out_channels: int, *, power: float):
                pass

        class Backbone(Module):
            def __init__(self, in_channels: int, *, name: str):
                pass
        """,
    "dynamic.py": """
        class Dynamic(Module):
            def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, padding: int,
                         dilation: int, groups: int, *, kernels: int = 4):
                pass
        """,
}
HEADS = {
    "grid.py": """
        class Grid(Module):
            def __init__(self, in_channels: tuple[int, ...], *, classes: int, strides: tuple[int, ...],
                         anchors: list[int]):
                pass

        class Free(Module):
            assigners: ClassVar[tuple[str, ...]] = ("simota",)

            def __init__(self, in_channels: tuple[int, ...], *, classes: int, strides: tuple[int, ...]):
                pass
        """,
}
BASE = """\
title: The base
backbone:
  - {block: conv.Conv, out: 64, stride: 2, kernel: 6, padding: 2}
  - {block: stage.Stage, out: 128, repeat: 3, tag: p3}
  - {block: conv.Conv, out: 256, stride: 2, kernel: 3}
  - {block: stage.Stage, out: 512, repeat: 9, tag: p4}
neck:
  - {block: conv.Conv, out: 256, tag: t4}
  - {block: stage.Enlarge}
  - {block: stage.Stage, out: 256, repeat: 3, tag: n3, inputs: [last, p3], shortcut: false}
head:
  - {block: grid.Grid, inputs: [n3, t4], anchors: [1, 2]}
"""


@pytest.fixture(scope="session")
def signatures(tmp_path_factory: pytest.TempPathFactory) -> Signatures:
    """A few small block files, none of which is ever run."""
    root = tmp_path_factory.mktemp("nn")
    for folder, files in (("blocks", BLOCKS), ("heads", HEADS)):
        (root / folder).mkdir()
        for name, text in files.items():
            (root / folder / name).write_text(textwrap.dedent(text))
    return Signatures((root / "blocks",), (root / "heads",))


@pytest.fixture
def library(tmp_path: Path, signatures: Signatures) -> Callable[..., Library]:
    """Make a library of a base and further files: `library(child="base: base")`."""

    def make(**files: str) -> Library:
        for name, text in {"base": BASE, **files}.items():
            (tmp_path / f"{name}.yaml").write_text(textwrap.dedent(text))
        return Library((tmp_path,), signatures=signatures)

    return make

"""`torch.export` and AOTInductor: the network as a library compiled ahead of time, which runs without Python."""

import tempfile
from pathlib import Path

import torch
from torch import Tensor

from suite.nn.network import Detector
from suite.runtimes import Options, Session
from suite.runtimes.common.network import exported
from suite.runtimes.common.place import inferring, pinned_clock, placed, placer
from suite.runtimes.common.session import CallSession, stated

PRECISIONS = {"cpu": ("fp32", "bf16"), "cuda": ("fp32", "tf32", "fp16", "bf16")}
MODES = ("default",)
MODULES: dict[str, str] = {}
PROGRAMS = {"g++": "apt-get install g++"}


def open(model: Detector, options: Options, _mode: str, images: Tensor) -> Session:  # noqa: A001
    """Exports for the shape of `images`, compiles with frozen weights, and loads what came of it."""
    clock = pinned_clock(options)
    prepare = placer(options)
    program = exported(placed(model, options), prepare(images))
    inductor = torch._inductor  # noqa: SLF001  (documented under this name)
    with tempfile.TemporaryDirectory(prefix="aotinductor-") as folder:
        package = str(Path(folder) / "network.pt2")
        with torch.no_grad():
            inductor.aoti_compile_and_package(
                program, package_path=package, inductor_configs={"freezing": True}
            )
        network = inductor.aoti_load_package(package)
    settings = stated("aotinductor", options, "", channels_last=True, freezing=True)
    return CallSession(settings, clock, prepare, inferring(network))

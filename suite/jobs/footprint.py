"""Memory of a pass or of a training step, measured in a process of its own.

On the processor: the resident set's high water (VmHWM, set back beforehand through
/proc/self/clear_refs) less the resident set before, which is taken after import, after the network
is loaded, and after a pass over a small picture has loaded what libraries load late. For a pass,
tensors of 64 KiB and more are given back to the system as soon as they are freed, so that the high
water is that of the tensors; a training step runs as it always does, keeping what it has freed. On
a GPU: what torch's allocator held at most (`torch.cuda.max_memory_allocated`) less what it held
before.
"""

import ctypes
import gc
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from suite.machine.allocator import set_malloc_thresholds
from suite.spec.records.variant import Variant
from suite.train.recipe import Recipe

_OWN_PAGES = 1 << 16  # bytes from which on a tensor has pages of its own
_SMALL = 64  # pixels
_STEPS = 2  # the optimiser's moments exist from the first on
_BOXES = 8  # in a picture
_PROC = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Question:
    """What is run: the deployed form once, or `recipe` for two steps."""

    variant: Variant
    what: Literal["inference", "training"]
    recipe: Recipe
    image_size: int = 640
    batch: int = 1
    classes: int = 80
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes beside those of the loaded network: of the process, and of the GPU (None without one)."""

    host: int
    device: int | None


class FootprintError(RuntimeError):
    """The memory could not be measured."""


def measure(question: Question, *, timeout: float = 600.0) -> Footprint:
    """Run the question in a fresh process and read its memory.

    Raises:
        FootprintError: the process failed, was killed (as the system does where memory ends), or took too long; or
            this system does not tell the high water.
    """
    command = [sys.executable, "-m", "suite.jobs.footprint"]
    name = f"{question.variant.name}: {question.what} of a batch of {question.batch}"
    try:
        done = subprocess.run(
            command, input=pickle.dumps(question), capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FootprintError(f"{name} took longer than {timeout:g} s") from error
    if done.returncode != 0:
        reason = exception_line(done.stderr.decode(errors="replace"))
        if done.returncode < 0:
            reason = f"was killed by signal {-done.returncode}"
        raise FootprintError(f"{name}: {reason}")
    return Footprint(**json.loads(done.stdout.splitlines()[-1]))


def exception_line(log: str) -> str:
    """The line of a traceback that names the exception; CUDA's messages go on for some lines after it."""
    lines = log.strip().splitlines() or ["failed"]
    return next((line for line in reversed(lines) if re.match(r"[\w.]+: ", line)), lines[-1])


def answer(question: Question) -> Footprint:
    """Measure in this process, which should do nothing else."""
    if question.what == "inference":
        # before torch is imported, which it is nowhere above: what an import frees counts as well
        _give_back_freed_memory()
        return _watched(_pass_of(question), question.device)
    return _watched(_step_of(question), question.device)


def _pass_of(question: Question) -> Callable[[], None]:
    """One pass of the deployed form over a whole batch; the network is loaded, and has seen a small picture."""
    import torch

    from suite.nn.deploy import deploy
    from suite.nn.detector import build
    from suite.runtimes import Options, open_session

    model = deploy(build(question.variant, question.classes, seed=0))
    small = torch.rand(1, 3, _SMALL, _SMALL)
    session = open_session(
        "eager", model, Options(question.device, question.precision, question.threads), small
    )
    session.run(session.prepare(small))

    def run() -> None:
        side = question.image_size
        session.run(session.prepare(torch.rand(question.batch, 3, side, side)))
        session.synchronize()

    return run


def _step_of(question: Question) -> Callable[[], None]:
    """Two training steps on made pictures; the network is loaded, and has been backward once."""
    import torch

    from suite.datasets.loading.loader import Batch
    from suite.datasets.split import Split
    from suite.nn.detector import build
    from suite.protocols import Budget
    from suite.train.loop import train
    from suite.train.training import Limits, Training

    torch.set_num_threads(question.threads)
    model = build(question.variant, question.classes, seed=0).to(question.device)
    recipe = replace(question.recipe, precision=question.precision)
    for level in model(torch.rand(2, 3, _SMALL, _SMALL, device=question.device)):
        level.sum().backward(retain_graph=True)
    model.zero_grad(set_to_none=True)
    training = Training(
        variant=question.variant,
        data=Split("noise", Path(), "train", (), (), (), ""),
        recipe=recipe,
        budget=Budget(question.batch, steps=_STEPS),
        limits=Limits(_STEPS),
        image_size=question.image_size,
        device=question.device,
    )

    def batch() -> Batch:
        generator = torch.Generator().manual_seed(0)
        count, side = question.batch, question.image_size
        images = torch.randint(
            0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator
        )
        boxes = 0.2 + 0.5 * torch.rand(count * _BOXES, 4, generator=generator)
        pictures = torch.arange(count).repeat_interleave(_BOXES)[:, None].float()
        return Batch(images, torch.cat((pictures, torch.zeros_like(pictures), boxes), 1))

    def run() -> None:
        train(training, model, (batch() for _ in range(_STEPS)))

    return run


def _watched(run: Callable[[], None], device: str) -> Footprint:
    """What `run` needs at its worst moment, beside what is there now.

    On a GPU it is the second time that counts: at the first cuDNN tries algorithms that it then
    does not use.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = _allocated(device)
    if before is not None:
        run()
        _allocated(device)
    (_PROC / "clear_refs").write_text("5")
    resident = _kibibytes("VmRSS")
    run()
    host = 1024 * max(_kibibytes("VmHWM") - resident, 0)
    return Footprint(host, None if before is None else _most_allocated(device) - before)


def _allocated(device: str) -> int | None:
    if device == "cpu":
        return None
    import torch

    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def _most_allocated(device: str) -> int:
    import torch

    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device)


def _kibibytes(name: str) -> int:
    line = re.search(rf"^{name}:\s+(\d+) kB$", (_PROC / "status").read_text(), re.MULTILINE)
    if line is None:
        raise FootprintError(f"this system does not tell {name}; it needs Linux's /proc")
    return int(line[1])


def _give_back_freed_memory() -> None:
    set_malloc_thresholds(mmap=_OWN_PAGES, trim=_OWN_PAGES)


def main() -> None:
    """Answer the pickled question on stdin with one line of JSON on stdout."""
    question = pickle.load(sys.stdin.buffer)  # noqa: S301  (written by `measure` a moment ago)
    sys.stdout.write(json.dumps(asdict(answer(question))) + "\n")


if __name__ == "__main__":
    main()

"""A training that was killed and goes on from its checkpoint ends bit for bit like one that was never interrupted."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from suite.datasets.loading.loader import Batch
from suite.nn.detector import Detector, build
from suite.spec.records.objective import Loss
from suite.spec.records.variant import Layer, Variant
from suite.train.curve import CurveFile, CurvePoint, Score
from suite.train.diverged import TrainingDiverged
from suite.train.loop import Trained
from suite.train.recipe import Recipe, recipe
from suite.train.snapshot import CheckpointError, Every, Keeper
from tests.narrowing import opened
from tests.train.trainings import train

TINY = recipe("tiny")
BRISK = replace(TINY, schedule=replace(TINY.schedule, warmup_steps=2))
SGD = replace(
    BRISK,
    # four batches of two make a move
    optimizer=replace(BRISK.optimizer, kind="sgd", rate=0.01, nominal_batch=8),
    loss=replace(BRISK.loss, autobalance=True),
)
STEPS = 24


class Killed(Exception):
    """Stands for the end of the process: nothing after it is done."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "checkpoint.json"


@pytest.fixture
def dropping(mini: Variant) -> Variant:
    """Draws from torch's chance at each step, and remembers a running mean in its loss."""
    drop = Layer("convnext.ConvNeXt", "backbone", options={"drop_path": 0.5})
    coarse = Layer("anchor.AnchorHead", "head", options={"anchors": [[10, 10, 24, 24]]})
    return replace(
        mini,
        layers=(
            *mini.layers[:2],
            drop,
            Layer("conv.Conv", "neck", out=16, stride=4, options={"kernel": 3}),
            coarse,
        ),
        loss=Loss(box="wiou_v3"),
    )


def killer(at: int, batches: list[Batch]) -> Iterator[Batch]:
    """The batches, until the process is killed while the one with this number is fetched."""
    yield from batches[:at]
    raise Killed


def keeping(path: Path, every: int = 5, **identity: str) -> Keeper:
    return Keeper(path, {"seed": 0, **identity}, every=Every(steps=every))


def go(
    variant: Variant,
    batches: Iterator[Batch] | list[Batch],
    made: Recipe,
    keeper: Keeper | None = None,
    steps: int = STEPS,
) -> Trained:
    return train(build(variant, 2, seed=0), variant, batches, made, steps=steps, keeper=keeper)


def resumed(
    variant: Variant, batches: list[Batch], made: Recipe, path: Path, steps: int = STEPS
) -> Trained:
    keeper = keeping(path)
    start = keeper.load()
    assert start is not None
    # other weights and another draw of chance: all that counts comes from the checkpoint
    model = build(variant, 2, seed=99)
    return train(
        model,
        variant,
        batches[start.step :],
        made,
        steps=steps,
        seed=99,
        keeper=keeper,
        start=start,
    )


def same(first: Trained, second: Trained) -> None:
    states = [trained.ema_model.state_dict() for trained in (first, second)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert (first.curve, first.pictures, first.steps) == (
        second.curve,
        second.pictures,
        second.steps,
    )


@pytest.mark.parametrize("at", [5, 13, 23])
@pytest.mark.parametrize("made", [BRISK, SGD], ids=["adamw", "sgd-accumulating"])
def test_killed_and_resumed_equals_uninterrupted(
    dropping, batches, path, made: Recipe, at: int
) -> None:
    with pytest.raises(Killed):
        go(dropping, killer(at, batches), made, keeping(path))

    same(resumed(dropping, batches, made, path), go(dropping, batches, made))


def test_a_checkpoint_in_the_middle_of_an_accumulation_holds_its_gradient(
    dropping, batches, path
) -> None:
    with pytest.raises(Killed):
        go(dropping, killer(12, batches), SGD, keeping(path))

    start = keeping(path).load()
    assert start is not None
    assert start.step % 4
    assert start.engine.gradient is not None
    assert start.engine.gradient.any()


def test_half_precision_with_its_scale_is_resumed(mini, batches, path) -> None:
    made = replace(BRISK, precision="fp16")
    with pytest.raises(Killed):
        go(mini, killer(13, batches), made, keeping(path))

    same(resumed(mini, batches, made, path), go(mini, batches, made))


def test_frozen_parts_come_from_the_checkpoint(mini, batches, path) -> None:
    frozen = replace(mini, freeze=("backbone",))
    with pytest.raises(Killed):
        go(frozen, killer(13, batches), BRISK, keeping(path))

    same(resumed(frozen, batches, BRISK, path), go(frozen, batches, BRISK))


def test_a_finished_training_is_not_repeated(mini, batches, path) -> None:
    """Killed while it was evaluated: nothing is left to train, and the result is there."""
    whole = go(mini, batches, BRISK, keeping(path))

    same(resumed(mini, batches[:0] + batches[:STEPS], BRISK, path), whole)


def test_a_discarded_checkpoint_leaves_nothing(mini, batches, path) -> None:
    keeper = keeping(path)
    go(mini, batches, BRISK, keeper)
    keeper.discard()

    assert list(path.parent.iterdir()) == []


def test_two_threads_give_the_same_bits_too(mini, batches, path) -> None:
    torch.set_num_threads(2)
    with pytest.raises(Killed):
        go(mini, killer(6, batches), BRISK, keeping(path, every=4), steps=8)

    same(resumed(mini, batches, BRISK, path, steps=8), go(mini, batches, BRISK, steps=8))


PROGRAM = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.spec.library import Library
from suite.train.recipe import recipe
from suite.train.snapshot import Every, Keeper
from tests.train.trainings import train
from safetensors.torch import save_file

folder, kill = Path(sys.argv[1]), int(sys.argv[2])
generator = torch.Generator().manual_seed(3)
noise = [torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8, generator=generator) for _ in range(12)]
row = torch.tensor([[0, 1, 0.5, 0.5, 0.4, 0.4], [1, 0, 0.4, 0.6, 0.3, 0.5]])

def stream(start):
    for step in range(start, 12):
        if step == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        yield Batch(noise[step], row)

variant = Library().load("yolov5p")
keeper = Keeper(folder / "checkpoint.json", {}, every=Every(steps=4))
start = keeper.load()
trained = train(build(variant, 2, seed=0), variant, stream(start.step if start else 0), recipe("tiny"),
                steps=12, keeper=keeper, start=start)
save_file({n: t.contiguous() for n, t in trained.ema_model.state_dict().items()}, folder / "weights.safetensors")
(folder / "curve.txt").write_text(repr((trained.curve, trained.pictures)))
"""


@pytest.mark.slow
def test_a_process_killed_by_the_system_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    def run(folder: str, kill: int) -> int:
        (tmp_path / folder).mkdir(exist_ok=True)
        arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / folder), str(kill)]
        return subprocess.run(arguments, check=False, cwd=Path(__file__).parents[2]).returncode

    codes = [run("killed", 7), run("killed", -1), run("whole", -1)]

    assert codes == [-signal.SIGKILL, 0, 0]
    for name in ("weights.safetensors", "curve.txt"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_checkpoint_of_another_training_is_refused_with_what_differs(mini, batches, path) -> None:
    go(mini, batches, BRISK, keeping(path, recipe="a"))

    with pytest.raises(
        CheckpointError, match=r"checkpoint\.json: .*another training \(recipe a, now b\)"
    ):
        keeping(path, recipe="b").load()


def test_a_checkpoint_of_another_network_is_refused(mini, batches, path) -> None:
    go(mini, batches, BRISK, keeping(path))
    wider = replace(mini, layers=(replace(mini.layers[0], out=12), *mini.layers[1:]))

    with pytest.raises(CheckpointError, match="holds a network with other tensors"):
        resumed(wider, batches, BRISK, path)


@pytest.mark.parametrize("text", ["", "[]", '{"form": 1}', "\x00"])
def test_a_file_that_is_no_checkpoint_is_refused(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(CheckpointError, match=r"checkpoint\.json: no checkpoint of a training"):
        keeping(path).load()


def test_a_damaged_checkpoint_is_refused(mini, batches, path) -> None:
    go(mini, batches, BRISK, keeping(path))
    [tensors] = path.parent.glob("*.safetensors")
    data = bytearray(tensors.read_bytes())
    data[-1] ^= 1
    tensors.write_bytes(data)

    with pytest.raises(CheckpointError, match="damaged"):
        keeping(path).load()


class FullDisk:
    """Takes so many checkpoints, then has no room for more than the half of one."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, tensors: dict[str, Tensor], path: Path) -> None:
        save_file(tensors, path)
        self.room -= 1
        if self.room < 0:
            os.truncate(path, path.stat().st_size // 2)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_explained_and_loses_no_earlier_checkpoint(mini, batches, path) -> None:
    keeper = Keeper(path, {"seed": 0}, every=Every(steps=5), save=FullDisk(room=1))

    with pytest.raises(
        CheckpointError, match=r"step 10 .*No space left on device.*that of step 5 is kept"
    ):
        go(mini, batches, BRISK, keeper)

    assert {file.name for file in path.parent.iterdir()} == {
        "checkpoint.json",
        "checkpoint-5.safetensors",
    }
    same(resumed(mini, batches, BRISK, path), go(mini, batches, BRISK))


@pytest.mark.parametrize("name", [".checkpoint-5.safetensors.7.part", ".checkpoint.json.7.part"])
def test_what_a_writer_that_was_killed_left_goes_with_the_next_checkpoint(
    mini, batches, path, name: str
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / name).write_bytes(b"half")

    go(mini, batches, BRISK, keeping(path, every=2), steps=2)

    assert not (path.parent / name).exists()


def test_checkpoints_come_by_time_where_no_steps_are_stated(path: Path) -> None:
    now = [0.0]
    keeper = Keeper(path, {}, every=Every(seconds=60), clock=lambda: now[0])

    due = []
    for now[0] in (0.0, 59.0, 60.0):
        due.append(keeper.due(1))

    assert due == [False, False, True]


def test_divergence_names_the_last_good_checkpoint(mini, batches, path) -> None:
    model = build(mini, 2, seed=0)
    passes: list[int] = []

    def break_at_the_eighth_pass(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        passes.append(1)
        return output if len(passes) < 8 else output / 0

    model.get_submodule("backbone.1.norm").register_forward_hook(break_at_the_eighth_pass)

    with pytest.raises(
        TrainingDiverged, match=rf"step 8: .*the last good checkpoint is that of step 5, {path}"
    ):
        train(model, mini, batches, BRISK, steps=STEPS, keeper=keeping(path))


def test_numbers_that_are_not_finite_are_never_kept(mini, batches, path) -> None:
    model = build(mini, 2, seed=0)
    opened(model.get_submodule("backbone.0.norm")).running_var.fill_(torch.inf)

    with pytest.raises(
        TrainingDiverged, match=r"step 5: .*backbone\.0\.norm\.running_var.*no checkpoint was kept"
    ):
        train(model, mini, batches, BRISK, steps=STEPS, keeper=keeping(path))

    assert not path.exists()


class Slowing:
    """A clock on which every look takes a tenth of a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


def test_wall_time_ends_a_run_and_is_said(mini, batches) -> None:
    trained = train(build(mini, 2), mini, batches, BRISK, steps=30, seconds=2.0, clock=Slowing())

    assert trained.end == "time"
    assert 0 < trained.steps < 30
    assert trained.seconds >= 2
    assert trained.curve[-1].step == trained.steps


def test_with_wall_time_the_rate_has_come_down_at_the_end(mini, batches) -> None:
    rates = [
        p.lr
        for p in train(
            build(mini, 2), mini, batches, BRISK, steps=30, seconds=2.0, clock=Slowing()
        ).curve
    ]

    assert rates[-1] < 0.2 * TINY.optimizer.rate


def test_patience_ends_a_run_with_its_best_average(mini, batches) -> None:
    fitness = iter([0.1, 0.3, 0.2, 0.2, 0.9])
    seen: dict[int, Detector] = {}

    def evaluate(step: int, model: Detector) -> Score:
        seen[step] = model
        value = next(fitness)
        return Score(step, value, value, value)

    made = replace(BRISK, evaluate_every=4, patience=2)
    trained = train(build(mini, 2, seed=0), mini, batches, made, steps=STEPS, evaluate=evaluate)

    assert (trained.end, trained.steps) == ("patience", 16)
    best, last = seen[8].state_dict(), trained.ema_model.state_dict()
    assert all(torch.equal(best[n], last[n]) for n in best if not n.endswith("num_batches_tracked"))


def test_evaluations_in_between_change_nothing(mini, batches) -> None:
    made = replace(BRISK, evaluate_every=4)
    watched = train(
        build(mini, 2, seed=0),
        mini,
        batches,
        made,
        steps=STEPS,
        evaluate=lambda step, _: Score(step, 0, 0, 0),
    )

    same(watched, go(mini, batches, BRISK))


def test_the_file_of_the_curve_is_the_same_after_a_resume(mini, batches, tmp_path) -> None:
    curve = go(mini, batches, BRISK).curve
    score = Score(10, 0.5, 0.75, 0.6)
    known: tuple[CurvePoint | Score, ...] = (*curve[:1], score)
    whole, later = CurveFile(tmp_path / "whole.csv", 2), CurveFile(tmp_path / "later.csv", 2, known)

    lines_of_whole: tuple[CurvePoint | Score, ...] = (score, *curve)
    for line in lines_of_whole:
        whole.add(line)
    for point in curve[1:]:
        later.add(point)

    lines = (tmp_path / "whole.csv").read_text().splitlines()
    assert (tmp_path / "later.csv").read_text().splitlines() == lines
    assert lines[1] == "10,20,,,,,0.5,0.75"
    assert [line.split(",")[0] for line in lines] == ["step", "10", "10", "20", "24"]

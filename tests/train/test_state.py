"""What a checkpoint holds: typed records there and back, files of form 1, and what is refused."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save, save_file
from torch import Tensor

from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.record import canonical_json, file_digest
from suite.spec.records.variant import Variant
from suite.train.curve import CurvePoint, Score
from suite.train.engine import Engine
from suite.train.recipe import recipe
from suite.train.snapshot import CheckpointError, Keeper, Snapshot
from suite.train.state import EngineState, LoopState
from tests.train.trainings import blank_snapshot, training_of

WHOLE = st.integers(0, 2**31)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
SINGLE = st.floats(width=32, allow_nan=False)
TENSOR = st.lists(SINGLE, max_size=4).map(torch.tensor)
NAME = st.text("abc.", min_size=1, max_size=5)
STATES = st.builds(
    EngineState,
    layout=st.text(max_size=8),
    values=TENSOR,
    average=TENSOR,
    sums=TENSOR,
    summed=WHOLE,
    updates=WHOLE,
    waiting=WHOLE,
    rng_cpu=st.binary(max_size=4).map(lambda data: torch.tensor(list(data), dtype=torch.uint8)),
    gradient=st.none() | TENSOR,
    best=st.none() | TENSOR,
    rng_cuda=st.none() | TENSOR,
    rest=st.dictionaries(NAME, TENSOR, max_size=3),
    loss=st.dictionaries(st.sampled_from(["balance", "usual"]), TENSOR),
    optimizer=st.dictionaries(
        st.integers(0, 12),
        st.dictionaries(NAME, TENSOR, min_size=1, max_size=3),
        max_size=3,
    ),
    scaler=st.dictionaries(st.sampled_from(["scale", "_growth_tracker"]), NUMBER),
)
LOOPS = st.builds(
    LoopState,
    batch=WHOLE,
    image_size=WHOLE,
    seconds=NUMBER,
    checksum=WHOLE,
    end=st.sampled_from(["", "budget", "time", "patience"]),
    curve=st.lists(st.builds(CurvePoint, WHOLE, NUMBER, NUMBER, NUMBER, NUMBER)).map(tuple),
    scores=st.lists(st.builds(Score, WHOLE, NUMBER, NUMBER, NUMBER)).map(tuple),
)


def plain(value: object) -> object:
    """With lists in the place of tensors, so that == compares numbers."""
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return value


def contents(state: EngineState) -> dict[str, object]:
    return {field.name: plain(getattr(state, field.name)) for field in fields(state)}


@given(STATES)
def test_a_state_of_the_engine_comes_back_from_its_files_as_it_was(state: EngineState) -> None:
    tensors, facts = load(save(state.tensors)), json.loads(canonical_json(state.as_json))

    assert contents(EngineState.from_parts(tensors, facts)) == contents(state)


@given(LOOPS)
def test_a_state_of_the_loop_comes_back_from_its_file_as_it_was(state: LoopState) -> None:
    assert LoopState.from_json(json.loads(canonical_json(state.as_json))) == state


@pytest.mark.parametrize(
    ("key", "value"), [("updates", "3"), ("updates", True), ("layout", 1), ("scaler", [])]
)
def test_a_fact_of_another_kind_is_no_state_of_the_engine(key: str, value: Any) -> None:
    state = blank_snapshot(1).engine

    with pytest.raises(TypeError, match=f"`{key}` is no "):
        EngineState.from_parts(state.tensors, {**state.as_json, key: value})


@pytest.mark.parametrize(
    ("key", "value"), [("seconds", "1"), ("pictures", 1.5), ("end", "tired"), ("curve", 3)]
)
def test_a_fact_of_another_kind_is_no_state_of_the_loop(key: str, value: Any) -> None:
    facts = LoopState(batch=1, image_size=32).as_json

    with pytest.raises((LookupError, TypeError, ValueError)):
        LoopState.from_json({**facts, key: value})


def test_a_checkpoint_of_form_1_is_read_with_all_it_holds(tmp_path: Path) -> None:
    """Names and keys as every version since the first has written them; other ones need another form."""
    vector = torch.tensor([1.0, 2.0])
    tensors = {
        "values": vector,
        "average": vector + 1,
        "sums": torch.tensor([0.5, 0.25, 0.125]),
        "rng.cpu": torch.tensor([7], dtype=torch.uint8),
        "gradient": vector + 2,
        "best": vector + 3,
        "rest.head.anchors": vector + 4,
        "loss.balance": vector + 5,
        "optimizer.0.exp_avg": vector + 6,
        "optimizer.10.step": torch.tensor(3.0),
    }
    save_file(tensors, tmp_path / "checkpoint-3.safetensors")
    about = {
        "form": 1,
        "step": 3,
        "identity": {"seed": 0},
        "facts": {
            "batch": 4,
            "image_size": 64,
            "layout": "abc",
            "updates": 2,
            "summed": 1,
            "waiting": 1,
            "scaler": {"scale": 65536.0},
            "seconds": 1.5,
            "pictures": 286362723,
            "end": "",
            "curve": [[2, 0.5, 0.25, 0.125, 0.01]],
            "scores": [[2, 0.1, 0.2, 0.11]],
        },
        "tensors": "checkpoint-3.safetensors",
        "sha256": file_digest(tmp_path / "checkpoint-3.safetensors"),
    }
    (tmp_path / "checkpoint.json").write_text(json.dumps(about))

    snapshot = Keeper(tmp_path / "checkpoint.json", {"seed": 0}).load()

    assert snapshot is not None
    assert snapshot.step == 3
    assert snapshot.loop == LoopState(
        batch=4,
        image_size=64,
        seconds=1.5,
        checksum=286362723,
        curve=(CurvePoint(2, 0.5, 0.25, 0.125, 0.01),),
        scores=(Score(2, 0.1, 0.2, 0.11),),
    )
    assert contents(snapshot.engine) == {
        "layout": "abc",
        "values": [1, 2],
        "average": [2, 3],
        "sums": [0.5, 0.25, 0.125],
        "summed": 1,
        "updates": 2,
        "waiting": 1,
        "rng_cpu": [7],
        "rng_cuda": None,
        "gradient": [3, 4],
        "best": [4, 5],
        "rest": {"head.anchors": [5, 6]},
        "loss": {"balance": [6, 7]},
        "optimizer": {0: {"exp_avg": [7, 8]}, 10: {"step": 3}},
        "scaler": {"scale": 65536.0},
    }


def test_a_checkpoint_is_written_in_form_1(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"
    Keeper(path, {"seed": 0}).keep(blank_snapshot(step=1))

    about = json.loads(path.read_text())

    assert about["form"] == 1
    assert about.keys() == {"form", "step", "identity", "facts", "tensors", "sha256"}
    assert about["facts"].keys() == {
        *("batch", "image_size", "layout", "updates", "summed", "waiting", "scaler"),
        *("seconds", "pictures", "end", "curve", "scores"),
    }


@pytest.mark.parametrize("key", ["updates", "pictures"])
def test_a_checkpoint_that_lacks_a_fact_is_refused(tmp_path: Path, key: str) -> None:
    path = tmp_path / "checkpoint.json"
    Keeper(path, {}).keep(blank_snapshot(step=1))
    about = json.loads(path.read_text())
    del about["facts"][key]
    path.write_text(json.dumps(about))

    with pytest.raises(CheckpointError, match=rf"no checkpoint of a training \('{key}'\); delete"):
        Keeper(path, {}).load()


def test_a_checkpoint_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"
    path.write_text('{"form": 2}')

    with pytest.raises(CheckpointError, match="is of form 2, this version reads form 1; delete it"):
        Keeper(path, {}).load()


def test_an_engine_goes_back_to_the_state_of_another(mini: Variant, batches: list[Batch]) -> None:
    training = training_of(mini, recipe("tiny"))
    first, second = (Engine(training, build(mini, 2, seed=seed)) for seed in (0, 1))
    for step in range(3):
        first.step(step, batches[step])
    taken = first.snapshot()

    second.restore(taken)

    assert contents(second.snapshot()) == contents(taken)


def test_an_engine_refuses_the_state_of_another_network(mini: Variant) -> None:
    engine = Engine(training_of(mini, recipe("tiny")), build(mini, 2, seed=0))

    with pytest.raises(ValueError, match="holds a network with other tensors"):
        engine.restore(replace(engine.snapshot(), layout="another"))


def test_a_gradient_is_kept_only_while_batches_wait_for_a_move(
    mini: Variant, batches: list[Batch]
) -> None:
    tiny = recipe("tiny")
    slow = replace(tiny, optimizer=replace(tiny.optimizer, nominal_batch=4))
    slow = replace(slow, schedule=replace(slow.schedule, warmup_steps=0))
    engine = Engine(training_of(mini, slow), build(mini, 2, seed=0))

    gradients = []
    for step in range(2):
        engine.step(step, batches[step])
        gradients.append(engine.snapshot().gradient)

    assert gradients[0] is not None
    assert gradients[1] is None


def test_what_is_kept_is_discarded_with_its_tensors(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "checkpoint.json", {})
    first: Snapshot = blank_snapshot(step=1)
    keeper.keep(first)
    keeper.keep(replace(first, step=2))

    assert {path.name for path in tmp_path.iterdir()} == {
        "checkpoint.json",
        "checkpoint-2.safetensors",
    }
    keeper.discard()
    assert not list(tmp_path.iterdir())

"""Two processes on halves of a batch do what one does on the whole."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from suite.train.process_group import SINGLE, ProcessGroup, joined_group
from tests.train.shared_steps import CASES, STEPS, batch_of, gradients, share_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Tensor]]:
    """What the two processes of a group wrote down."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "tests.train.shared_steps", str(folder)]
    group = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **shared, "RANK": str(rank)})
        for rank in range(2)
    ]
    assert [process.wait(timeout=300) for process in group] == [0, 0]
    return [load_file(folder / f"{rank}.safetensors") for rank in range(2)]


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_of_a_group_is_that_of_one_process(
    ranks: list[dict[str, Tensor]], case: str
) -> None:
    for name, alone in gradients(case, SINGLE).items():
        for found in ranks:
            assert ((found[name] - alone).abs().max() / alone.abs().max()).item() < 1e-6


def test_all_processes_of_a_group_have_one_network_after_every_step(
    ranks: list[dict[str, Tensor]],
) -> None:
    first, second = (found["values"] for found in ranks)

    assert STEPS > 1
    assert torch.equal(first, second)


def test_the_halves_have_unequal_numbers_of_objects_so_that_a_loss_normalised_by_each_would_differ() -> (
    None
):
    counts = [len(share_of(batch_of(0), ProcessGroup(rank, 2)).targets) for rank in range(2)]

    assert counts == [7, 2]


def test_a_single_process_communicates_nothing() -> None:
    tensor = torch.tensor([1.0, 2.0])
    state = torch.get_rng_state()

    SINGLE.all_reduce(tensor)
    SINGLE.average(tensor)
    SINGLE.broadcast(tensor)
    SINGLE.reseed(seed=1, step=2)

    assert tensor.tolist() == [1.0, 2.0]
    assert SINGLE.total(tensor) is tensor
    assert SINGLE.broadcast_number(0.1) == 0.1
    assert torch.equal(torch.get_rng_state(), state)


def test_processes_draw_numbers_of_their_own_and_the_same_ones_again() -> None:
    draws = []
    for rank, step in ((0, 5), (1, 5), (0, 6), (0, 5)):
        ProcessGroup(rank, 2).reseed(seed=3, step=step)
        draws.append(torch.rand(()).item())

    assert draws[0] == draws[3]
    assert len(set(draws)) == 3


def test_without_torchrun_a_process_trains_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)

    with joined_group("cuda:1") as joined:
        assert joined == (SINGLE, "cuda:1")


def test_only_the_process_of_rank_zero_writes() -> None:
    assert [ProcessGroup(rank, 2).is_rank_zero for rank in range(2)] == [True, False]

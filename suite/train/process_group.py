"""Processes that train one network together, each on its share of every batch.

`torchrun` starts them, on one machine or on many. Every process holds the whole network and the whole optimiser; what
they tell each other are the gradients, the numbers that the loss divides by, and the statistics of the norms. So the
network comes out as one process would have made it, but for norms that see a share of the batch in training, and for
the order in which numbers are added up.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

_PATIENCE = timedelta(hours=2)  # for a process that evaluates while the others wait


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """This process's place among the `size` that train together; alone there is nobody to talk to."""

    rank: int = 0
    size: int = 1

    @property
    def is_leader(self) -> bool:
        """Whether this process is the one that writes files and speaks to people."""
        return self.rank == 0

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in a tensor of its own; without gradient."""
        if self.size == 1:
            return tensor
        summed = tensor.detach().clone()
        dist.all_reduce(summed)
        return summed

    def all_reduce(self, tensor: Tensor) -> None:
        """Replace `tensor` by its sum over all processes."""
        if self.size > 1:
            dist.all_reduce(tensor)

    def average(self, tensor: Tensor) -> None:
        """Replace `tensor` by its mean over all processes."""
        if self.size > 1:
            dist.all_reduce(tensor)
            tensor.div_(self.size)

    def broadcast(self, tensor: Tensor) -> None:
        """Replace `tensor` by what the leader has."""
        if self.size > 1:
            dist.broadcast(tensor, 0)

    def broadcast_number(self, number: float) -> float:
        """The number that the leader has."""
        if self.size == 1:
            return number
        told = torch.tensor([number], dtype=torch.float64)
        if dist.get_backend() == "nccl":
            told = told.cuda()
        dist.broadcast(told, 0)
        return told.item()

    def reseed(self, seed: int, step: int) -> None:
        """Let this process draw numbers of its own in this step, whenever the training was begun or continued."""
        if self.size > 1:
            torch.manual_seed(zlib.crc32(f"{seed}/{step}/{self.rank}".encode()))


SINGLE = ProcessGroup()


@contextmanager
def joined_group(device: str) -> Iterator[tuple[ProcessGroup, str]]:
    """The group that `torchrun` has put this process into, and the device that is this process's; alone without it.

    On CUDA the processes of a machine take a GPU each and talk by NCCL, otherwise by gloo.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield SINGLE, device
        return
    accelerated = device.startswith("cuda")
    if accelerated:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if accelerated else "gloo", timeout=_PATIENCE)
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size()), device
    finally:
        dist.destroy_process_group()

"""Processes that train one network together, each on its share of every batch (data parallel).

`torchrun` starts them, on one machine or on many. Every process holds the whole network and the whole optimiser;
all_reduce adds up their gradients, the numbers that the loss divides by, and the statistics of the norms. So the
network comes out as one process would have made it, but for norms that see a share of the batch in training, and for
the order in which numbers are added up. The process of rank 0 is the one that writes files and speaks to people.
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

# of a collective call: the others wait while rank 0 evaluates and writes
_TIMEOUT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """This process's `rank` among the `size` processes of one training; with a size of 1 nothing is communicated.

    Every process of the group must make the same calls in the same order.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_rank_zero(self) -> bool:
        """Whether this process is the one that writes files and speaks to people."""
        return self.rank == 0

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of `tensor` over all processes, without gradient; `tensor` stays as it is."""
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
        """Replace `tensor` by that of rank 0."""
        if self.size > 1:
            dist.broadcast(tensor, 0)

    def broadcast_number(self, number: float) -> float:
        """The number that rank 0 gave."""
        if self.size == 1:
            return number
        message = torch.tensor([number], dtype=torch.float64)
        if dist.get_backend() == "nccl":
            message = message.cuda()
        dist.broadcast(message, 0)
        return message.item()

    def reseed(self, seed: int, step: int) -> None:
        """Seed torch's random generator by training, step and rank: each process draws numbers of its own.

        The same ones whether the training was continued in between or not.
        """
        if self.size > 1:
            torch.manual_seed(zlib.crc32(f"{seed}/{step}/{self.rank}".encode()))


SINGLE = ProcessGroup()


@contextmanager
def joined_group(device: str) -> Iterator[tuple[ProcessGroup, str]]:
    """Join the group that `torchrun` has started this process for; `SINGLE` without it.

    Args:
        device: what was asked for, such as "cpu" or "cuda".

    Yields:
        The group, and the device of this process: on CUDA the GPU of its rank on the machine. Communication is by NCCL
        there, otherwise by gloo.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield SINGLE, device
        return
    accelerated = device.startswith("cuda")
    if accelerated:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if accelerated else "gloo", timeout=_TIMEOUT)
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size()), device
    finally:
        dist.destroy_process_group()

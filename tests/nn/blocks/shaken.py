"""Blocks whose every tensor counts, for tests that write a block out by its formula."""

from typing import Any

import torch
from torch import nn


def shaken(block: nn.Module) -> Any:
    """`block` in float64 and evaluation, with no parameter or statistic left where it starts.

    Its parts may be anything: torch types them as tensors or modules, whatever a block's class says.
    """
    torch.manual_seed(1)
    block = block.double().eval()
    with torch.no_grad():
        for name, tensor in block.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.add_(torch.rand_like(tensor) * 0.5)
    return block

"""Norms for weights that were fused: YOLOv5's `model.fuse()` folds each norm into the convolution before it.

Such a convolution has a bias and no norm follows. Here the norm stays, and is given values with which it adds that bias
and changes nothing else: mean 0, variance 1, weight sqrt(1 + eps).
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from suite.nn.network import Detector


def unfolded(
    model: Detector, names: Mapping[str, str], given: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The reference's tensors with a norm wherever `model` has one and the file only a bias.

    Args:
        model: the network that they are for.
        names: of its tensors to the reference's.
        given: by the reference's names.
    """
    tensors = dict(given)
    for ours, theirs in names.items():
        norm, _, leaf = theirs.rpartition(".")
        bias = f"{norm.removesuffix('bn')}conv.bias"
        if leaf != "weight" or not norm.endswith(".bn") or theirs in given or bias not in tensors:
            continue
        eps = getattr(model.get_submodule(ours.removesuffix(".weight")), "eps", 0.0)
        shift = tensors.pop(bias)
        tensors |= {
            theirs: torch.full_like(shift, math.sqrt(1 + eps)),
            f"{norm}.bias": shift,
            f"{norm}.running_mean": torch.zeros_like(shift),
            f"{norm}.running_var": torch.ones_like(shift),
            f"{norm}.num_batches_tracked": torch.tensor(0.0),
        }
    return tensors

"""Values for an untrained network that show what goes wrong."""

import torch
from torch import Tensor, nn

from suite.nn.network import Detector

_LEAST_SPREAD = 0.2  # of a norm's mean


def liven(model: Detector, images: Tensor, *, seed: int = 0) -> Detector:
    """Give the model values, in place, on which every layer's work can be seen in the output; returns it.

    As built, norms do nothing, zeros hide branches, and signals fade with depth until the output hardly depends on the
    image. Here vectors are drawn from `seed`, norms learn their statistics from the first of `images` (B, 3, H, W) and
    its negative, and scores lie around one half. Biases are positive, where activations are nearly straight: a deep
    random network around zero magnifies rounding a thousandfold, as no trained one does.
    """
    generator = torch.Generator().manual_seed(seed)
    model.eval()
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.copy_(_vector(path, parameter, generator))
        example = _thinned(images[:1], max(model.strides))
        _teach_norms(model, torch.cat((example, 1 - example)))
    return model


def _thinned(images: Tensor, stride: int) -> Tensor:
    """Every fourth, or second, row and column, as far as the strides go on fitting: statistics need no more."""
    every = 1
    for step in (2, 4):
        coarse = step * stride
        if all(side % coarse == 0 and side >= 4 * coarse for side in images.shape[-2:]):
            every = step
    return images[..., ::every, ::every]


def _vector(path: str, like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.rand(like.shape, generator=generator)
    if path.endswith("weight"):
        return 0.75 + 0.5 * drawn
    if not path.endswith("bias"):
        return 0.4 * drawn  # the scale of a branch
    return 2 * drawn - 1 if path.startswith("head.") else 1 + drawn


def _teach_norms(model: nn.Module, images: Tensor) -> None:
    norms = [
        module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean
        norm.train()
    model(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        # pooled maps hardly differ between two images: dividing by that would magnify rounding
        norm.running_var.copy_(
            torch.maximum(norm.running_var, (_LEAST_SPREAD * norm.running_mean) ** 2)
        )

"""A model's numbers in one buffer: clipping, moving and averaging take a few calls however many layers there are.

At the built-in job's size a call a tensor costs more than the arithmetic: a tenth of the step for 57 convolutions.
Every tensor begins where a separately allocated one would be allowed to: kernels of cuDNN load whole vectors of
numbers, and end the process at an address that is no multiple of a vector's size. What lies between is zero and stays
zero.
"""

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from suite.nn.detector import Detector
from suite.record import digest
from suite.train.optim import Treatment, parameter_groups

_VECTOR = 16  # numbers; 64 bytes in single precision


class FlatState:
    """Lays out a model's trainable parameters and floating buffers behind one another, for as long as it is trained.

    `values` holds them, the parameters first, group by group; `gradient` the parameters' gradients in the same order.
    The model goes on as before: its tensors become views. `groups` are slices of both, for the optimiser.
    """

    def __init__(self, model: Detector, layer_decay: float = 1.0) -> None:
        groups = [group for group in parameter_groups(model, layer_decay) if group.parameters]
        parameters = [parameter for group in groups for parameter in group.parameters]
        self._model = model
        self._tensors = [*parameters, *_floating_buffers(model)]
        self.values = torch.cat(
            [_padded(_in_memory_order(tensor.data).flatten()) for tensor in self._tensors]
        )
        self.gradient = self.values.new_zeros(sum(map(_padded_size, parameters)))
        for tensor, view in zip(self._tensors, _views(self.values, self._tensors), strict=True):
            tensor.data = view
        for parameter, view in zip(parameters, _views(self.gradient, parameters), strict=True):
            parameter.grad = view
        self.groups: dict[Treatment, nn.Parameter] = {}
        start = 0
        for group in groups:
            end = start + sum(map(_padded_size, group.parameters))
            self.groups[group.treatment] = nn.Parameter(self.values[start:end])
            self.groups[group.treatment].grad = self.gradient[start:end]
            start = end

    @property
    def buffers(self) -> Tensor:
        """The part of `values` that is no parameter: the statistics of norms."""
        return self.values[self.gradient.numel() :]

    @property
    def rest(self) -> dict[str, Tensor]:
        """The model's tensors that are not in `values`, by name: frozen parameters, counters, indices."""
        laid_out = {id(tensor) for tensor in self._tensors}
        return {
            name: tensor for name, tensor in _named_state(self._model) if id(tensor) not in laid_out
        }

    @property
    def layout(self) -> str:
        """A hash of what stands where in `values`: names, shapes, memory orders, and how far apart."""
        names = {id(tensor): name for name, tensor in _named_state(self._model)}
        return digest(
            [_VECTOR, *([names[id(t)], list(t.shape), list(t.stride())] for t in self._tensors)]
        )

    def release(self) -> None:
        """Give every tensor of the model memory of its own again, and drop the gradients."""
        for tensor in self._tensors:
            tensor.data = tensor.data.clone()
            tensor.grad = None

    def copy_with(self, values: Tensor) -> Detector:
        """A copy of the model with other values, which stand in the order of `values`, in memory of its own."""
        other = copy.deepcopy(self._model)
        counterparts = {
            id(mine): its
            for (_, mine), (_, its) in zip(
                _named_state(self._model), _named_state(other), strict=True
            )
        }
        for tensor, view in zip(self._tensors, _views(values, self._tensors), strict=True):
            counterparts[id(tensor)].data = view.clone()
        return other


def _named_state(model: nn.Module) -> list[tuple[str, Tensor]]:
    return [*model.named_parameters(), *model.named_buffers()]


def _floating_buffers(model: nn.Module) -> Iterator[Tensor]:
    return (buffer for buffer in model.buffers() if buffer.is_floating_point())


def _in_memory_order(tensor: Tensor) -> Tensor:
    """The tensor with its dimensions permuted so that it is contiguous; every dense tensor can be."""
    strides = tensor.stride()
    order = sorted(range(tensor.ndim), key=lambda i: -strides[i])
    return tensor.permute(order)


def _padded_size(tensor: Tensor) -> int:
    """How many numbers it takes up, those between it and the next included."""
    return tensor.numel() + -tensor.numel() % _VECTOR


def _padded(line: Tensor) -> Tensor:
    return F.pad(line, (0, _padded_size(line) - line.numel()))


def _views(flat: Tensor, like: Sequence[Tensor]) -> Iterator[Tensor]:
    """The parts of `flat`, shaped and strided like the tensors they were made from."""
    start = 0
    for tensor in like:
        yield flat.as_strided(tensor.shape, tensor.stride(), start)
        start += _padded_size(tensor)

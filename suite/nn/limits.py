"""How large a network may be: told on the meta device, before any memory is taken."""

from collections.abc import Sequence

from torch import Tensor, nn

from suite.spec.records.variant import Layer
from suite.yaml.errors import SpecError

MAX_PARAMETERS = 10**9  # 4 GB of float32; the largest network of the zoo has 141 million
# values that one layer puts out for a 512-pixel image: 0.5 GB of float32; YOLOv5x's largest is 2**22.3
MAX_MAP = 2**27


def require_size(
    layer: Layer, address: str, module: nn.Module, outputs: Sequence[Tensor], before: int
) -> int:
    """The parameters up to and with this layer, `before` of them before it.

    Raises:
        SpecError: they are too many, or the layer puts out too much.
    """
    total = before + sum(parameter.numel() for parameter in module.parameters())
    if total > MAX_PARAMETERS:
        message = f"{address} ({layer.block}) brings the network to {total:,} parameters"
        raise SpecError.single(
            layer.mark, "E310", message, hint=f"at most {MAX_PARAMETERS:,} are allowed"
        )
    largest = max((out.numel() for out in outputs), default=0)
    if largest > MAX_MAP:
        message = (
            f"{address} ({layer.block}) makes a map of {largest:,} values of a 512-pixel image"
        )
        raise SpecError.single(layer.mark, "E310", message, hint=f"at most {MAX_MAP:,} are allowed")
    return total

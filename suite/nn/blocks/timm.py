"""Any backbone of timm that gives feature maps (Wightman 2019, github.com/huggingface/pytorch-image-models).

One line with several outputs, which `tags` names, puts it under YOLOv5's neck:
`{block: timm.Backbone, tags: {p3: 1, p4: 2, p5: 3}, name: convnext_tiny}`.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from suite.yaml.errors import suggest

ANY_SIZE: tuple[dict[str, Any], ...] = ({"strict_img_size": False}, {"dynamic_img_size": True})


class Backbone(nn.Module):
    """timm's model `name` without its classifier, untrained: a tuple of maps, finest first. Nothing is downloaded.

    `indices` chooses among the maps that timm offers; without it all of them are given, and in both cases nothing
    behind the last one is built. Models that attend within an image of one size are built for any size.
    The inside is timm's own: edits of convolutions do not reach it, and its batch norms stay as they are in the
    deployed form, where only the branches that timm can merge are merged.

    Raises:
        ValueError: timm is not installed, has no such model, or the model gives no maps or takes one size only.
    """

    def __init__(self, in_channels: int, *, name: str, indices: list[int] | None = None) -> None:
        super().__init__()
        options: dict[str, Any] = {} if indices is None else {"out_indices": tuple(indices)}
        self.features = _create(name, in_chans=in_channels, **options)
        self.channels_last = str(getattr(self.features, "output_fmt", "")).endswith("NHWC")
        self.merged = False

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(B, in, H, W) to one (B, C, H / stride, W / stride) for each map."""
        maps: list[Tensor] = self.features(x)
        return tuple(m.permute(0, 3, 1, 2) if self.channels_last else m for m in maps)

    def deployed(self) -> nn.Module:
        """The same maps with the parallel branches merged, where timm knows how to."""
        from timm.utils.model import reparameterize_model

        if self.merged:
            return self
        form = copy.deepcopy(self)
        # timm makes the merged convolutions in the default one
        with _default_dtype(next(self.parameters()).dtype):
            form.features = reparameterize_model(form.features, inplace=True)
        form.merged = True
        return form


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _create(name: str, **options: Any) -> nn.Module:
    try:
        import timm
    except ImportError:
        raise ValueError("timm is not installed; pip install timm") from None
    # what has a colon is the address of a file elsewhere
    if ":" in name or not timm.is_model(name):
        raise ValueError(f"timm has no model '{name}'; {suggest(name, timm.list_models())}")
    config = timm.get_pretrained_cfg(name)
    for size in ANY_SIZE if config is not None and config.fixed_input_size else ({},):
        try:
            model: nn.Module = timm.create_model(
                name, pretrained=False, features_only=True, **size, **options
            )
        except TypeError:  # the model does not know the option
            continue
        except (RuntimeError, AttributeError, AssertionError, IndexError) as error:
            raise ValueError(f"timm's {name} gives no such feature maps: {error}") from error
        return model
    raise ValueError(f"timm's {name} gives no feature maps of images of any size")

"""The backbone of a new variant: another variant's, the base's with another block, or one of timm's."""

import math
from dataclasses import replace

from suite.cli.new.file import Site
from suite.record import Json
from suite.spec.records.variant import Layer
from suite.spec.views.draft import Draft, DraftEdit, Words
from suite.spec.views.write import flow, layer_text
from suite.yaml.errors import SpecError

TIMM = "timm.Backbone"
FINEST = 4  # the stride of the first map that a neck may read
PROBE = 256  # pixels


def borrowed(name: str, site: Site) -> tuple[str, ...]:
    """The backbone of the variant `name`; SpecError if there is none."""
    site.library().load(name)
    return (flow({"of": name}),)


def with_block(draft: Draft, block: Words, site: Site) -> tuple[str, ...]:
    """The backbone of the draft's base, a line a layer, with the block in the place of each C3.

    One of timm's is a line, and the base's last layer follows it.

    Raises:
        SpecError: the block does not fit there, or timm has no such model.
    """
    if block["block"] == TIMM:
        return _of_timm(site.library().load(draft.base).part("backbone")[-1], block)
    edit = DraftEdit("replace", {"part": "backbone", "block": "c3.C3"}, block)
    layers = site.variant(replace(draft, title="a draft", edits=(edit,)).text()).part("backbone")
    return tuple(f"  - {layer_text(layer)}" for layer in layers)


def _of_timm(last: Layer, block: Words) -> tuple[str, ...]:
    """One line with tags for all maps but the last, which the base's last layer reads."""
    import torch  # needed for timm's backbones alone

    from suite.nn.blocks.timm import Backbone

    options = {name: value for name, value in block.items() if name != "block"}
    try:
        with torch.device("meta"), torch.no_grad():
            maps = Backbone(3, **options)(torch.empty(1, 3, PROBE, PROBE))  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise SpecError.single(None, "E304", f"{TIMM}: {error}") from None
    strides = [PROBE // each.shape[-1] for each in maps]
    tags: dict[str, Json] = {
        f"p{round(math.log2(stride))}": index
        for index, stride in enumerate(strides[:-1])
        if stride >= FINEST
    }
    return (f"  - {flow({'block': TIMM, 'tags': tags, **options})}", f"  - {layer_text(last)}")

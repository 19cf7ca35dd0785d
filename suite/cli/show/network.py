"""What `show` knows of a network only by building it on the meta device: shapes, parameters, multiply-adds."""

from collections import Counter
from dataclasses import dataclass

from reports.network.boxes import LayerFacts
from suite.metrics.cost.flops import count
from suite.metrics.evidence.layers import LayerCosts
from suite.nn.detector import build, replaced_convolutions
from suite.nn.network import Node
from suite.spec.records.variant import Variant

IMAGE_SIZE = 640
GIGA = 1e9


@dataclass(frozen=True, slots=True)
class Network:
    """A built variant: its graph, each layer's facts by address, and the convolutions that edits replaced."""

    variant: Variant
    graph: tuple[Node, ...]
    facts: dict[str, LayerFacts]
    replaced: tuple[tuple[str, str], ...]  # the convolution's path, the operator's address

    @property
    def params(self) -> int:
        """Of the whole network, as trained."""
        return sum(facts.params for facts in self.facts.values())

    @property
    def gmacs(self) -> float:
        """Of the whole network, as trained, for one image of 640 x 640."""
        return sum(facts.gmacs for facts in self.facts.values())


def build_network(variant: Variant) -> Network:
    """Build with 80 classes and count at 640 x 640; SpecError where the variant does not build."""
    model = build(variant, device="meta").eval()
    sites = replaced_convolutions(variant) if variant.conv_edits else ()
    replaced = Counter(site.layer for site, _ in sites)
    counted = count(model, "trained", IMAGE_SIZE)
    facts = {
        layer.address: LayerFacts(
            layer.stride, layer.out_channels, layer.params, layer.gmacs, replaced[layer.address]
        )
        for layer in LayerCosts.from_json(counted.notes).layers or ()
    }
    paths = tuple((site.path, operator) for site, operator in sites)
    return Network(variant, model.graph, facts, paths)

"""What a pass holds in memory and writes, against small graphs worked out by hand."""

import pytest
import torch
import torch.nn.functional as F
from fvcore.nn import ActivationCountAnalysis
from torch import Tensor, nn

from suite.metrics.cost.forms import blank, build_forms
from suite.metrics.cost.trace import trace
from suite.metrics.cost.work import by_layer
from suite.nn.detector import Detector, build
from suite.spec.library import Library

MAP = 4 * 8 * 10 * 10  # bytes of 8 channels of 10 x 10 in fp32


def images(channels: int = 8, side: int = 10) -> Tensor:
    return torch.empty(1, channels, side, side, device="meta")


def chain(*modules: nn.Module) -> nn.Module:
    return nn.Sequential(*modules).to("meta").eval()


class Branch(nn.Module):
    """Two convolutions in a row, and what went in, joined."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.b(self.a(x)), x), 1)


class Held(nn.Module):
    """Keeps a name on a map that is not needed any more."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(8, 8, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        first = self.a(x)
        out: Tensor = self.c(self.b(first))
        return out


def test_a_chain_needs_two_maps_at_once():
    found = trace(chain(*(nn.Conv2d(8, 8, 1) for _ in range(4))), images())

    assert found.peak == 2 * MAP


def test_an_operator_in_place_needs_no_second_map():
    apart, in_place = (
        trace(chain(nn.ReLU(inplace=where)), images()).peak for where in (False, True)
    )

    assert (apart, in_place) == (2 * MAP, MAP)


def test_a_view_needs_no_memory():
    assert trace(chain(nn.Flatten(), nn.Unflatten(1, (8, 100))), images()).peak == MAP


def test_a_map_that_is_read_later_is_kept_till_then():
    found = trace(Branch().to("meta"), images())

    # the input, the second convolution's map, and the joined one
    assert found.peak == MAP + MAP + 2 * MAP


def test_eager_pytorch_holds_what_still_has_a_name():
    found = trace(Held().to("meta"), images())

    assert found.peak == 2 * MAP
    # the images and `first` stand beside what the last convolution reads and writes
    assert found.held == 4 * MAP


def test_weights_are_no_maps():
    assert trace(chain(nn.Conv2d(8, 1000, 1), nn.Conv2d(1000, 1, 1)), images(side=1)).peak == 4 * (
        1000 + 8
    )


def test_half_precision_needs_half():
    model = chain(nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1))

    assert trace(model.half(), images().half()).peak == MAP


def test_convolutions_and_products_write_activations_and_others_write_outputs():
    model = chain(
        nn.Conv2d(8, 16, 1), nn.BatchNorm2d(16), nn.SiLU(), nn.Flatten(), nn.Linear(1600, 5)
    )

    work = trace(model, images()).total
    assert work.products == 1600 + 5
    assert work.outputs == 1600 + 1600 + 2 * 0 + 1600 + 5 + norm_statistics(16)


def norm_statistics(channels: int) -> int:
    """What a batch norm returns beside its map, on the meta device: mean and deviation of each channel."""
    return 2 * channels


def test_bytes_moved_are_weights_and_maps_in_and_out():
    work = trace(chain(nn.Conv2d(8, 16, 3, padding=1)), images()).total

    assert work.moved == 4 * (16 * 8 * 9 + 16 + 800 + 1600)


def test_activations_are_those_that_fvcore_counts():
    model = build(Library().load("yolov5p_convnext"), seed=0).eval()
    found = trace(model, torch.zeros(1, 3, 64, 64)).total.products

    counted = ActivationCountAnalysis(model, torch.zeros(1, 3, 64, 64))
    counted.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(
        enabled=False
    ).tracer_warnings("none")
    assert found == counted.total()


@pytest.mark.parametrize("name", ["yolov5s", "yolov5s_odconv_all_k4", "yolov5s_c3tr"])
def test_the_pass_counts_the_multiply_adds_of_the_short_way_layer_by_layer(name):
    model = build_forms(Library().load(name)).deployed

    macs = {
        address: work.macs for address, work in trace(model, blank(320)).layers.items() if work.macs
    }
    assert macs == by_layer(model, blank(320))


def test_joining_maps_belongs_to_the_layer_that_reads_them():
    model = build_forms(Library().load("yolov5n")).deployed
    joins = [node.address for node in model.graph if node.joined and len(node.sources) > 1]
    found = trace(model, blank(64)).layers

    plain = {
        node.address: trace_of_layer(model, node.address)
        for node in model.graph
        if node.address in joins
    }
    assert joins
    assert all(found[address].outputs > outputs for address, outputs in plain.items())


def trace_of_layer(model: Detector, address: str) -> int:
    """What the layer alone writes when given a map of 64 pixels' image, already joined."""
    layer = model.get_submodule(address)
    node = next(node for node in model.graph if node.address == address)
    channels = sum(model.graph[s.node].out_channels[s.output] for s in node.sources)
    side = 64 // node.stride
    return trace(layer, images(channels, side)).total.outputs


def test_nothing_is_left_on_the_model():
    model = chain(nn.Conv2d(8, 8, 1))

    trace(model, images(), follow=True)

    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert F.relu(images()).is_meta

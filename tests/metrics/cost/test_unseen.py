"""Work that no public counter sees, each kind against its formula. Unless stated the input is 16 x 20 x 20: 6,400."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.metrics.cost.forms import blank, build_forms
from suite.metrics.cost.trace import trace
from suite.metrics.cost.unseen import (
    ACTIVATIONS,
    ELEMENTWISE,
    FORMULAS,
    GATES,
    MIXING,
    NORMS,
    POOLING,
    RESAMPLING,
    SAMPLING,
    SOFTMAX,
)
from suite.nn.blocks.condconv import CondConv
from suite.nn.blocks.deform import DeformConv2d
from suite.nn.blocks.dyconv import DyConv
from suite.nn.blocks.dysample import DySample
from suite.nn.blocks.involution import Involution
from suite.nn.blocks.odconv import ODConv
from suite.nn.dynamic import KernelBank
from suite.nn.layers import SqueezeExcite
from suite.spec.library import Library

NUMBERS = 16 * 20 * 20


class Call(nn.Module):
    """A function made a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.function(x)
        return out


class Mixing(nn.Module):
    """Four 3x3 kernels, weighed and summed, convolve the map."""

    def __init__(self) -> None:
        super().__init__()
        place = {"stride": 1, "padding": 1, "dilation": 1, "groups": 1}
        self.bank = KernelBank((32, 16, 3, 3), 4, gain=1.0, bias=False, **place)

    def forward(self, x: Tensor) -> Tensor:
        return self.bank.convolve(x, x.new_ones(1, 4))


def other(module: nn.Module, shape=(1, 16, 20, 20)) -> dict[str, int]:
    model = nn.Sequential(module).eval().to("meta")
    return dict(trace(model, torch.empty(shape, device="meta")).total.other)


@pytest.mark.parametrize(
    ("module", "kind", "operations"),
    [
        (Mixing(), MIXING, 4 * 32 * 16 * 9),
        (nn.BatchNorm2d(16), NORMS, 2 * NUMBERS),
        (nn.InstanceNorm2d(16), NORMS, 5 * NUMBERS),
        (nn.LayerNorm([16, 20, 20]), NORMS, 5 * NUMBERS),
        (nn.GroupNorm(4, 16), NORMS, 5 * NUMBERS),
        (nn.SiLU(inplace=True), ACTIVATIONS, NUMBERS),
        (nn.GELU(), ACTIVATIONS, NUMBERS),
        (Call(lambda x: x + x), ELEMENTWISE, NUMBERS),
        (Call(lambda x: x * 2), ELEMENTWISE, NUMBERS),
        (Call(lambda x: x * x[:, :1]), GATES, NUMBERS),
        (Call(lambda x: x.softmax(1)), SOFTMAX, 5 * NUMBERS),
        (nn.MaxPool2d(5, 1, 2), POOLING, 25 * NUMBERS),
        (nn.AvgPool2d(2), POOLING, NUMBERS),
        (nn.AdaptiveAvgPool2d(1), POOLING, NUMBERS),
        (Call(lambda x: x.mean((2, 3))), POOLING, NUMBERS),
        (Call(lambda x: x.var((2, 3))), POOLING, 3 * NUMBERS),
        (nn.Upsample(scale_factor=2), RESAMPLING, 4 * NUMBERS),
        (nn.Upsample(scale_factor=2, mode="bilinear"), RESAMPLING, 4 * 4 * NUMBERS),
        (
            Call(lambda x: F.grid_sample(x, x[:, :2].permute(0, 2, 3, 1), align_corners=False)),
            SAMPLING,
            4 * NUMBERS,
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_each_kind_of_work_has_its_formula(module, kind, operations):
    assert other(module) == {kind: operations}


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(16, 32, 3),
        nn.PixelShuffle(2),
        Call(lambda x: torch.cat((x, x), 1)),
        Call(lambda x: x.permute(0, 2, 3, 1).contiguous()),
        Call(lambda x: F.unfold(x, 3)),
        Call(lambda x: F.pad(x, (1, 1))),
    ],
    ids=["convolution", "pixel shuffle", "cat", "copy", "unfold", "pad"],
)
def test_products_and_copies_are_no_work_of_this_kind(module):
    assert other(module) == {}


def test_a_deformable_convolution_reads_each_value_between_four_and_masks_it():
    found = other(DeformConv2d(16, 32, 3, 1, 1))

    assert found[SAMPLING] == 5 * 16 * 9 * 400
    assert found[ACTIVATIONS] == 9 * 400  # the sigmoid of the masks


@pytest.mark.parametrize("block", [CondConv, DyConv])
@pytest.mark.parametrize("kernels", [2, 4])
def test_dynamic_convolutions_mix_every_weight_of_every_kernel(block, kernels):
    assert other(block(16, 32, 3, 1, 1, kernels=kernels))[MIXING] == kernels * 32 * 16 * 9


def test_odconv_mixes_kernels_and_gates_taps_inputs_and_filters():
    found = other(ODConv(16, 32, 3, 1, 1, kernels=4))

    assert found[MIXING] == 4 * 32 * 16 * 9
    assert found[GATES] == 32 * 16 * 9 + 16 * 400 + 32 * 400


def test_odconv_with_one_kernel_mixes_nothing():
    assert MIXING not in other(ODConv(16, 32, 3, 1, 1, kernels=1))


def test_a_squeeze_and_excite_gate_costs_its_mean_and_one_product_a_number():
    found = other(SqueezeExcite(16, 4))

    assert found == {POOLING: NUMBERS, GATES: NUMBERS, ACTIVATIONS: 4 + 16}


def test_an_involution_multiplies_every_neighbour_and_sums():
    found = other(Involution(16, 16, 3, 1, 1, size=7, per_group=8))

    assert found[GATES] == 49 * NUMBERS
    assert found[POOLING] == 49 * NUMBERS


def test_dysample_reads_every_new_pixel_between_four():
    assert other(DySample(16))[SAMPLING] == 4 * 4 * NUMBERS


def test_the_deployed_form_has_no_norms_left():
    forms = build_forms(Library().load("yolov5n"))

    kinds = [trace(model, blank(640)).total.other[NORMS] for _, model in forms.each()]
    assert kinds[0] > 0
    assert kinds[1] == 0


class Names(torch.utils._python_dispatch.TorchDispatchMode):
    """The names of all operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.found.add(func.overloadpacket.__name__.removesuffix("_"))
        return func(*args, **(kwargs or {}))


# copies, views, and what makes tensors without arithmetic
FREE = {
    name
    for line in (
        "view _unsafe_view _reshape_alias as_strided permute transpose t unsqueeze squeeze expand",
        "select slice split split_with_sizes unbind alias detach clone copy cat stack roll flip",
        "constant_pad_nd reflection_pad2d replication_pad2d im2col repeat pixel_shuffle",
        "pixel_unshuffle index index_select gather scatter empty empty_like zeros zeros_like ones",
        "ones_like full full_like new_zeros new_ones new_empty new_full arange _to_copy lift_fresh",
        "lift_fresh_copy fill zero scalar_tensor empty_strided channel_shuffle contiguous bernoulli",
        "rand_like rand meshgrid linspace native_dropout diagonal unfold",
    )
    for name in line.split()
}
PRODUCTS = {
    "convolution",
    "addmm",
    "mm",
    "bmm",
    "baddbmm",
    "_scaled_dot_product_fused_attention_overrideable",
}


@pytest.mark.parametrize(
    "name",
    [
        "yolov5n",
        pytest.param("yolov5s_*", marks=pytest.mark.slow),
        pytest.param("yolov[37]*", marks=pytest.mark.slow),
    ],
)
def test_no_operator_of_a_shipped_variant_is_without_a_formula(name):
    names = Names()
    seen: set[str] = set()
    with torch.no_grad():
        for variant in Library().select([name]):
            parts = {layer.block for layer in variant.layers} | {
                edit.operator for edit in variant.conv_edits
            }
            # what brings no block of its own brings no operator
            if variant.match is None and parts - seen:
                seen |= parts
                for _, model in build_forms(variant).each():
                    with names:
                        model(blank(64))

    assert names.found - FORMULAS.keys() - FREE - PRODUCTS == set()


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (lambda x: torch.mv(x[0, 0], x[0, 0, 0]), 20 * 20),
        (lambda x: torch.addmv(x[0, 0, 0], x[0, 0], x[0, 0, 0]), 20 * 20),
        (lambda x: torch.dot(x[0, 0, 0], x[0, 0, 0]), 20),
        (lambda x: torch.vdot(x[0, 0, 0], x[0, 0, 0]), 20),
    ],
)
def test_a_product_with_one_vector_is_every_number_of_the_matrix(function, numbers):
    assert other(Call(function)) == {MIXING: numbers}

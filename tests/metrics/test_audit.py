"""What each counter sees of single operations: the oracle is the published behaviour of the counters.

Unless said otherwise the input is 16 x 20 x 20, so 6,400 elements.
"""

import logging
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import DeformConv2d

import suite.nn.blocks.deform  # noqa: F401  (registers the formula of deformable convolutions)
from suite.metrics import audit
from suite.metrics.audit import Opinion, ask_fvcore, ask_thop, measure_audit
from suite.metrics.cost.forms import Forms, build_forms
from suite.metrics.cost.work import record
from suite.spec.library import Library
from tests.narrowing import opened

CONV_3X3 = 9 * 16 * 32 * 20 * 20  # 1,843,200


class Call(nn.Module):
    """A function made a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.function(x)
        return out


class OwnWeight(nn.Module):
    """A convolution by function, with a parameter."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(32, 16, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, padding=1)


class Dynamic(OwnWeight):
    """A convolution whose weight depends on the image."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * x.mean(), padding=1)


class NormAct(nn.BatchNorm2d):
    """A subclass, as libraries write them."""


class SubConv(nn.Conv2d):
    """A subclass that changes nothing."""


class Attention(nn.Module):
    """Self-attention of 400 places with 16 channels, from the fused function or its parts."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        q = x.flatten(2).transpose(1, 2)  # (1, 400, 16)
        if self.how == "fused":
            return F.scaled_dot_product_attention(q, q, q)
        return q @ q.transpose(1, 2) if self.how == "matmul" else torch.einsum("bic,bjc->bij", q, q)


class MultiHead(nn.Module):
    """nn.MultiheadAttention over the 400 places."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        q = x.flatten(2).transpose(1, 2)
        out: Tensor = self.attention(q, q, q)[0]
        return out


def opinions(module: nn.Module, shape=(1, 16, 20, 20)) -> tuple[Opinion, Opinion]:
    """What fvcore and thop say of a module inside a model."""
    model = nn.Sequential(module).eval().to("meta")
    images = torch.empty(shape, device="meta")
    calls = record(model, images)
    return ask_fvcore(model, images, calls), ask_thop(model, images, calls)


class Deformable(nn.Module):
    """torchvision's deformable convolution; the suite registers a formula for torch's counter, which has none."""

    def __init__(self):
        super().__init__()
        self.conv = DeformConv2d(16, 32, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x, x.new_zeros(1, 18, 20, 20))
        return out


GRID = torch.zeros(1, 20, 20, 2)
MIXED = torch.zeros(4, 32 * 16 * 9)  # four kernels of 3x3
ATTENTION = 2 * 400 * 400 * 16  # 5,120,000
HEADS = ATTENTION + 4 * 400 * 16 * 16  # 5,529,600


@pytest.mark.parametrize(
    ("module", "true", "fvcore", "thop"),
    [
        (nn.Conv2d(16, 32, 3, padding=1, bias=False), CONV_3X3, CONV_3X3, CONV_3X3),
        (OwnWeight(), CONV_3X3, CONV_3X3, 0),
        (nn.BatchNorm2d(16), 0, 2 * 6400, 4 * 6400),
        (NormAct(16), 0, 2 * 6400, 0),
        (nn.LayerNorm([16, 20, 20]), 0, 5 * 6400, 4 * 6400),
        (Call(lambda x: F.layer_norm(x, (20,))), 0, 4 * 6400, 0),
        (Call(F.silu), 0, 0, 0),
        (nn.MaxPool2d(5, 1, 2), 0, 0, 0),
        (nn.AdaptiveAvgPool2d(1), 0, 6400, 6416),
        (Call(lambda x: x.mean((2, 3))), 0, 0, 0),
        (nn.AvgPool2d(2), 0, 0, 1600),
        (nn.Upsample(scale_factor=2, mode="nearest"), 0, 25_600, 25_600),
        (nn.Upsample(scale_factor=2, mode="bilinear"), 0, 102_400, 281_600),
        (nn.ConvTranspose2d(16, 16, 2, 2, bias=False), 409_600, 409_600, 1_638_400),
        (Call(lambda x: F.grid_sample(x, GRID.to(x), align_corners=False)), 0, 25_600, 0),
        (Call(lambda x: F.unfold(x, 3)), 0, 0, 0),
        (Call(lambda x: F.gelu(x) * torch.sigmoid(x) + F.hardswish(x).softmax(1)), 0, 0, 0),
        (Call(lambda x: (MIXED.to(x) * x.new_ones(4, 1)).sum(0)), 0, 0, 0),
        (Deformable(), CONV_3X3, 0, 0),
        (Attention("matmul"), ATTENTION // 2, ATTENTION // 2, 0),
        (Attention("einsum"), ATTENTION // 2, ATTENTION // 2, 0),
        (Attention("fused"), ATTENTION, 0, 0),
        (MultiHead(), HEADS, HEADS, 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_single_operations_count_as_published(module, true, fvcore, thop):
    by_fvcore, by_thop = opinions(module)

    assert (by_fvcore.true, by_fvcore.counted, by_thop.counted) == (true, fvcore, thop)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (OwnWeight(), "misses 100 %: F.conv2d with weights of OwnWeight"),
        (Dynamic(), "misses 100 %: F.conv2d with computed weights"),
        (SubConv(16, 32, 3), "misses 100 %: SubConv, a subclass of nn.Conv2d"),
        (Attention("matmul"), "misses 100 %: torch.matmul"),
        (Attention("einsum"), "misses 100 %: torch.einsum"),
        (Attention("fused"), "misses 100 %: F.scaled_dot_product_attention"),
        (MultiHead(), "misses 100 %: F.multi_head_attention_forward"),
        (nn.ConvTranspose2d(16, 16, 2, 2, bias=False), "adds 300 %: nn.ConvTranspose2d"),
        (nn.Conv2d(16, 32, 3), "agrees (+0.0 %)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_what_thop_misses_has_a_name(module, sentence):
    _, by_thop = opinions(module)

    assert by_thop.sentence == sentence


def test_what_fvcore_misses_has_a_name():
    by_fvcore, _ = opinions(Attention("fused"))

    assert (
        by_fvcore.sentence == "misses 100 %: F.scaled_dot_product_attention, which it does not know"
    )


def test_a_deformable_convolution_has_a_name_in_both():
    by_fvcore, by_thop = opinions(Deformable())

    assert by_fvcore.sentence == (
        "misses 100 %: torchvision.ops.deform_conv2d, which it does not know"
    )
    assert by_thop.sentence == (
        "misses 100 %: torchvision.ops.deform_conv2d with weights of DeformConv2d"
    )


class Vectors(nn.Module):
    """A convolution and a product of its map, as a matrix, with a vector."""

    def __init__(self, how):
        super().__init__()
        self.conv = nn.Conv2d(16, 16, 1, bias=False)
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        rows = self.conv(x)[0].flatten(1)  # (16, 400)
        vector = rows[0]
        if self.how == "addmv":
            return torch.addmv(rows[:, 0], rows, vector)
        if self.how == "dot":
            return torch.dot(vector, vector)
        return torch.mv(rows, vector)


@pytest.mark.parametrize("how", ["mv", "addmv", "dot"])
def test_a_product_with_a_vector_that_nobody_counts_is_no_difference(how):
    for opinion in opinions(Vectors(how)):
        assert (opinion.sentence, opinion.causes) == ("agrees (+0.0 %)", ())


def test_what_a_counter_adds_has_a_name_and_a_place_count():
    model = nn.Sequential(nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16), nn.BatchNorm2d(16))

    by_fvcore, by_thop = opinions(model)

    assert by_thop.sentence == "adds 50 %: batch norm (4 an element)"
    assert by_fvcore.sentence == "adds 25 %: batch norm (2 an element)"
    assert by_thop.causes[0].places == by_fvcore.causes[0].places == 2
    assert by_thop.causes[0].macs == 2 * 4 * 6400


def test_every_cause_names_the_modules_it_is_in_the_largest_first():
    model = nn.Sequential(
        nn.BatchNorm2d(16), Dynamic(), nn.BatchNorm2d(32), nn.Sequential(Dynamic())
    )
    opened(model)[3][0].weight = nn.Parameter(torch.ones(16, 32, 3, 3))

    by_fvcore, by_thop = opinions(model)

    norms, convolutions = (
        next(c for c in by_thop.causes if word in c.reason) for word in ("batch norm", "conv2d")
    )
    assert norms.where == ("0.2", "0.0")
    assert set(convolutions.where) == {"0.1", "0.3.0"}
    assert by_fvcore.causes[0].where == ("0.2", "0.0")


def test_the_causes_add_up_to_the_difference():
    model = nn.Sequential(Dynamic(), nn.BatchNorm2d(32), SubConv(32, 8, 1), nn.AdaptiveAvgPool2d(1))

    for opinion in opinions(model):
        assert sum(cause.macs for cause in opinion.causes) == opinion.counted - opinion.true


def test_thop_says_the_same_on_the_meta_device_as_on_the_processor():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(1)).eval()
    images = torch.zeros(1, 3, 16, 16)

    here = ask_thop(model, images, record(model, images))

    model.to("meta")
    assert ask_thop(model, images.to("meta"), record(model, images.to("meta"))) == here


def test_counting_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).eval()
    images = torch.ones(1, 3, 16, 16)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    calls = record(model, images)
    ask_thop(model, images, calls)
    ask_fvcore(model, images, calls)

    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert not any(module._forward_hooks for module in model.modules())


def test_counting_is_silent(capfd, caplog):
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        opinions(nn.Sequential(Attention("fused")))

    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@pytest.fixture(scope="module")
def forms() -> Forms:
    return build_forms(Library().load("yolov5n"))


def test_a_counter_that_breaks_loses_only_its_own_number(forms, monkeypatch):
    def broken(*_):
        raise RuntimeError("no handler\nand a long trace")

    monkeypatch.setattr(audit, "ask_fvcore", broken)

    fvcore, thop = measure_audit(forms, 64)

    assert fvcore.samples == ()
    assert fvcore.notes == {"sentence": "could not count: RuntimeError: no handler"}
    assert thop.samples


def audited(name: str) -> dict[str, tuple[float, str]]:
    found = measure_audit(build_forms(Library().load(name)))
    return {
        m.metric.removeprefix("gmacs_"): (m.samples[0], str(m.notes["sentence"])) for m in found
    }


def test_yolov5s_counts_as_published():
    found = audited("yolov5s")

    assert found["fvcore"][0] == pytest.approx(8.265, abs=5e-4)
    assert found["fvcore"][1] == "agrees (+0.6 %)"
    assert found["thop"][0] == pytest.approx(8.313, abs=5e-4)
    assert found["thop"][1] == "adds 1.2 %: batch norm (4 an element)"


def test_thop_sees_a_tenth_of_yolov5s_with_odconv_everywhere():
    found = audited("yolov5s_odconv_all_k4")

    assert found["fvcore"][0] == pytest.approx(8.299, abs=5e-4)
    assert found["thop"][0] == pytest.approx(0.849, abs=5e-4)
    assert found["thop"][1] == "misses 90 %: F.conv2d with computed weights"

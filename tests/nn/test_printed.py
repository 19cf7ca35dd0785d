"""What is said of the listings of three articles, put into a variant as they are printed.

The classes are written anew after what the articles show; their mistakes are kept.
"""

import importlib.machinery
import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from suite.metrics.export_check import run_export_check
from suite.nn.detector import build
from suite.record import Json
from suite.spec.blocks.signatures import Signatures
from suite.spec.library import Library
from suite.spec.records.variant import ConvEdit, Selector, Variant
from suite.yaml.errors import SpecError
from suite.yaml.mark import Mark

LINE, EDIT = Mark("v.yaml", 9, 5), Mark("v.yaml", 12, 5)


class Pooled(nn.Module):
    """A classifier's features: stages, the mean over all places, a norm. Gives (N, C), and no map."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.stages = nn.Conv2d(in_channels, out_channels, 32, 32)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.stages(x).mean([-2, -1]))
        return out


class Classifier(Pooled):
    """The same with what its listing calls and does not define."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        trunc_normal_(self.norm.weight, std=0.02)  # type: ignore[name-defined]  # noqa: F821


class Dynamic(nn.Module):
    """A convolution whose padding is 0 unless somebody says otherwise."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.weight, None, self.stride, self.padding)


class Operator(Dynamic):
    """The same where a convolution stood, called as that was, of which it heeds the first four."""

    def __init__(self, in_channels, out_channels, kernel, stride, padding, dilation, groups):
        super().__init__(in_channels, out_channels, kernel, stride)


class Implemented(Dynamic):
    """The same with the choice between two functions that the listing leaves out."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size, padding=1)
        self.pass_on = self.common


class RepViT(nn.Module):
    """Parallel branches, each with its norm, and nothing that merges them."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(
            in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False
        )
        self.wide_norm = nn.BatchNorm2d(in_channels)
        self.point = nn.Conv2d(in_channels, in_channels, 1, groups=in_channels)
        self.norm = nn.BatchNorm2d(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.wide_norm(self.wide(x)) + self.point(x) + x)
        return out


@pytest.fixture
def yolov5p() -> Variant:
    return Library().load("yolov5p")


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch, yolov5p: Variant) -> Callable[..., Variant]:
    """yolov5p with one of the classes above in the place of the backbone's layer at `position`."""
    module = ModuleType("suite.nn.blocks.printed")
    module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
    for block in (Pooled, Classifier, Dynamic, Operator, Implemented, RepViT):
        setattr(module, block.__name__, block)
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def change(block: str, position: int, **options: Json) -> Variant:
        old = yolov5p.layers[position]
        new = replace(
            old, block=f"printed.{block}", stride=None, repeat=1, options=options, mark=LINE
        )
        return replace(
            yolov5p, layers=(*yolov5p.layers[:position], new, *yolov5p.layers[position + 1 :])
        )

    return change


def said_of(variant: Variant) -> str:
    with pytest.raises(SpecError) as caught:
        build(variant, device="meta")
    return str(caught.value)


def test_a_backbone_that_gives_a_pooled_vector_is_told_that_a_map_is_wanted(
    put: Callable[..., Variant],
) -> None:
    assert said_of(put("Pooled", 0)) == (
        "v.yaml:9:5: error E303 in yolov5p: backbone.0 (printed.Pooled) gives 1x8, which is no feature map "
        "(B, C, H, W); leave out the mean over places and the classifier"
    )


def test_a_function_that_the_listing_never_imports_is_named_at_the_line(
    put: Callable[..., Variant],
) -> None:
    assert said_of(put("Classifier", 0)) == (
        "v.yaml:9:5: error E304 in yolov5p: backbone.0 (printed.Classifier) cannot take 3 channels of the image: "
        "name 'trunc_normal_' is not defined"
    )


def test_a_constructor_whose_first_argument_is_another_is_told_which_is_wanted(tmp_path) -> None:
    (tmp_path / "printed.py").write_text(
        "class ConvNeXt(nn.Module):\n    def __init__(self, in_chans=3, num_classes=1000):\n        pass\n"
    )

    with pytest.raises(
        SpecError, match=r"printed.ConvNeXt is no block; .* first argument, `in_channels`"
    ):
        Signatures(blocks=[tmp_path]).get("printed.ConvNeXt")


def test_a_padding_of_nothing_is_told_the_one_that_keeps_the_resolution(
    put: Callable[..., Variant],
) -> None:
    said = said_of(put("Dynamic", 2, kernel_size=3))

    assert said.startswith(
        "v.yaml:9:5: error E303 in yolov5p: backbone.2 (printed.Dynamic) turns a 512-pixel image "
    )
    assert said.endswith(
        "no whole stride; use a padding that keeps the resolution: 1 for a kernel of 3"
    )


def test_an_operator_that_shrinks_the_map_is_named_with_the_convolution_at_the_edit(
    put: Callable[..., Variant], yolov5p: Variant
) -> None:
    edit = ConvEdit(
        Selector(part=("backbone",), kernel=(3,), stride=(1,)), "printed.Operator", {}, EDIT
    )

    assert said_of(replace(yolov5p, conv_edits=(edit,))) == (
        "v.yaml:12:5: error E304 in yolov5p: printed.Operator gives 1x8x126x126 in the place of "
        "backbone.2.blocks.0.mix.conv (3x3, stride 1, stage 4), which gave 1x8x128x128; "
        "use the kernel, stride, padding and dilation that the operator is called with"
    )


def test_a_function_that_the_listing_leaves_out_is_named_at_the_line(
    put: Callable[..., Variant],
) -> None:
    said = said_of(put("Implemented", 2, kernel_size=3))

    assert said.startswith(
        "v.yaml:9:5: error E304 in yolov5p: backbone.2 (printed.Implemented) cannot take "
    )
    assert said.endswith("'Implemented' object has no attribute 'common'")


def test_a_network_that_stays_unmerged_is_a_warning_that_names_the_norms(
    put: Callable[..., Variant],
) -> None:
    trial = run_export_check(put("RepViT", 2))

    (warning,) = trial.warnings
    assert str(warning) == (
        "v.yaml:9:5: warning W302 in yolov5p: backbone.2 (printed.RepViT) keeps 2 batch norms when deployed: "
        "wide_norm, norm; give the block `deployed()`, or make its layers with `make.conv_norm_act`"
    )
    assert trial.problems == ()

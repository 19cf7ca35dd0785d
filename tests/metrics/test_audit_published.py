"""What three counters say of published models at 224 x 224, against a table of their counts.

Millions; torch's are multiply-adds of convolutions and matrix products and exact to the digits of the table, the
others what fvcore and thop printed.
"""

import pytest
import timm
import torch
import torchvision
from torch import nn

from suite.metrics.audit import ask_fvcore, ask_thop
from suite.metrics.cost.work import record

TABLE = {  # name: parameters, thop, fvcore, torch
    "torchvision resnet50": (25_557_032, 4133.74, 4111.51, 4089.18),
    "timm convnext_tiny": (28_589_128, 4455.57, 4470.44, 4455.53),
    "torchvision convnext_tiny": (28_589_128, 4464.15, 4470.44, 4455.53),
    "timm repvit_m0_9": (5_489_328, 847.05, 832.17, 817.28),
    "timm repvit_m1_1": (8_802_912, 1376.93, 1358.09, 1339.24),
    "timm efficientnetv2_s": (21_458_488, 2849.96, 2874.28, 2849.90),
    "torchvision efficientnet_v2_s": (21_458_488, 2901.94, 2877.58, 2849.90),
    "timm mobilenetv3_large_100": (5_483_032, 215.36, 225.44, 216.59),
    "torchvision mobilenet_v3_large": (5_483_032, 234.84, 226.03, 216.59),
    "timm mobilenetv2_100": (3_504_872, 300.84, 314.19, 300.77),
    "timm ghostnet_100": (5_182_508, 153.88, 148.27, 141.15),
    "torchvision shufflenet_v2_x1_0": (2_278_604, 152.71, 148.81, 144.91),
    "timm tf_efficientnet_cc_b0_4e": (13_314_116, 162.51, 410.17, 396.51),
    "timm swin_tiny_patch4_window7_224": (28_288_354, 4371.85, 4509.19, 4490.57),
    "torchvision swin_t": (28_288_354, 2978.10, 4509.23, 4490.57),
}
FAST = {"torchvision shufflenet_v2_x1_0", "timm tf_efficientnet_cc_b0_4e"}


def model(name: str) -> nn.Module:
    library, _, architecture = name.partition(" ")
    with torch.device("meta"):
        if library == "timm":
            return timm.create_model(architecture, pretrained=False).eval()
        module: nn.Module = torchvision.models.get_model(architecture, weights=None).eval()
        return module


def asked(name: str):
    built, images = model(name), torch.empty(1, 3, 224, 224, device="meta")
    return built, images, record(built, images)


@pytest.mark.parametrize("name", TABLE)
def test_torch_and_thop_count_published_models_as_the_table_says(name):
    built, images, calls = asked(name)
    parameters, thop, _, torch_count = TABLE[name]

    found = ask_thop(built, images, calls)
    assert sum(p.numel() for p in built.parameters()) == parameters
    assert round(found.true / 1e6, 2) == torch_count
    assert round(found.counted / 1e6, 2) == thop
    assert sum(cause.macs for cause in found.causes) == found.counted - found.true


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in TABLE]
)
def test_fvcore_counts_published_models_as_the_table_says(name):
    built, images, calls = asked(name)

    found = ask_fvcore(built, images, calls)
    assert round(found.counted / 1e6, 2) == TABLE[name][2]
    assert sum(cause.macs for cause in found.causes) == found.counted - found.true

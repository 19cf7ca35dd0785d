"""The decoupled head: YOLOX-S's published size, its formulas, its first scores, its deployed form."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.nn.heads.decoupled import DecoupledHead
from suite.spec.library import Library
from suite.spec.records.variant import Selector
from tests.narrowing import opened, present


def head(**options: Any) -> DecoupledHead:
    torch.manual_seed(0)
    return DecoupledHead((8, 16), classes=3, strides=(8, 16), **options)


def maps(batch: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randn(batch, 8, 6, 4), torch.randn(batch, 16, 3, 2)]


def test_yolov5s_with_yolox_s_head_is_as_large_as_published() -> None:
    model = build(Library().load("yolov5s_decoupled"), device="meta")

    # YOLOX-S has one bottleneck more at stride 8, 64 channels wide: a 1x1 and a 3x3 convolution with their norms
    bottleneck = 64 * 64 * (1 + 9) + 2 * 2 * 64
    total = sum(p.numel() for p in model.parameters()) + bottleneck
    assert round(total / 1e6, 2) == 8.97


@pytest.mark.parametrize("convs", [1, 2])
def test_a_level_keeps_its_own_channels_unless_told(convs: int) -> None:
    def size(channels: int, hidden: int) -> int:
        branch = convs * (9 * hidden * hidden + 2 * hidden)
        return channels * hidden + 2 * hidden + 2 * branch + (hidden + 1) * (4 + 1 + 3)

    own, common = head(convs=convs), head(convs=convs, hidden=12)

    assert sum(p.numel() for p in own.parameters()) == size(8, 8) + size(16, 16)
    assert sum(p.numel() for p in common.parameters()) == size(8, 12) + size(16, 12)


def test_decoding_is_the_papers_formula() -> None:
    raw = [torch.randn(1, 1, 6, 4, 8), torch.randn(1, 1, 3, 2, 8)]

    decoded = head().decode(raw)[0]

    expected = []
    for level, stride in zip(raw, (8, 16), strict=True):
        for row in range(level.shape[2]):
            for column in range(level.shape[3]):
                x, y, width, height, *logits = level[0, 0, row, column].tolist()
                box = (
                    (x + column) * stride,
                    (y + row) * stride,
                    math.exp(width) * stride,
                    math.exp(height) * stride,
                )
                expected.append([*box, *(1 / (1 + math.exp(-logit)) for logit in logits)])
    torch.testing.assert_close(decoded, torch.tensor(expected), rtol=1e-5, atol=1e-5)


def test_what_an_assigner_sees_is_what_is_decoded() -> None:
    grid = head()
    raw = [level.detach() for level in grid(maps())]

    seen, decoded = grid.predictions(raw), grid.decode(raw)

    torch.testing.assert_close(seen.boxes, decoded[..., :4])
    torch.testing.assert_close(seen.objectness.sigmoid(), decoded[..., 4])
    torch.testing.assert_close(seen.classes.sigmoid(), decoded[..., 5:])
    assert seen.size == (32, 48)


def test_priors_are_the_centres_of_the_cells() -> None:
    grid = head()

    seen = grid.predictions(grid(maps()))

    assert seen.centres[[0, 1, 4, -1]].tolist() == [[4, 4], [12, 4], [4, 12], [24, 40]]
    assert seen.strides.tolist() == [8] * 24 + [16] * 6


def test_half_precision_is_decoded_in_single_for_training() -> None:
    grid = head()

    seen = grid.predictions([level.detach().bfloat16() for level in grid(maps())])

    assert {seen.boxes.dtype, seen.objectness.dtype, seen.classes.dtype, seen.centres.dtype} == {
        torch.float32
    }


def test_everything_starts_as_rare() -> None:
    grid = head()
    for level in grid.levels:
        for predictor in (level.scores, level.objectness):
            nn.init.zeros_(opened(predictor).weight)

    decoded = grid.decode(grid(maps()))

    torch.testing.assert_close(decoded[..., 4:], torch.full_like(decoded[..., 4:], 0.01))


def test_the_branches_share_nothing_but_the_stem() -> None:
    level = head().levels[0]
    x = torch.randn(1, 8, 5, 5)

    level(x)[:, 5:].sum().backward()

    touched = {name.split(".")[0] for name, p in level.named_parameters() if present(p.grad).any()}
    assert touched == {"stem", "class_branch", "scores"}


def test_the_deployed_head_predicts_the_same() -> None:
    grid = head().double().train()
    x = [level.double() for level in maps()]
    grid(x)
    grid.eval()

    with torch.no_grad():
        deployed = opened(deploy(nn.Sequential(grid)))[0]
        torch.testing.assert_close(
            deployed.decode(deployed(x)), grid.decode(grid(x)), rtol=1e-9, atol=1e-9
        )
    assert not [m for m in deployed.modules() if isinstance(m, nn.BatchNorm2d)]


@pytest.mark.parametrize("options", [{"convs": 0}, {"hidden": 0}])
def test_branches_without_convolutions_or_channels_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one convolution and channel"):
        head(**options)


def test_the_convolutions_of_the_head_can_be_selected() -> None:
    from suite.nn.detector import convolutions

    sites = [
        site
        for site in convolutions(Library().load("tiny_decoupled"))
        if site.matches(Selector(part=("head",)))
    ]

    assert len(sites) == 3 * (1 + 2 * 2)
    assert {site.stage for site in sites} == {0}


@pytest.mark.parametrize("side", [96, 640])
def test_every_size_of_image_gets_a_prediction_a_cell(side: int) -> None:
    model = build(Library().load("tiny_decoupled"), classes=5, device="meta").eval()

    predicted = model.predict(torch.empty(2, 3, side, side, device="meta"))

    assert predicted.shape == (2, sum((side // stride) ** 2 for stride in (8, 16, 32)), 10)

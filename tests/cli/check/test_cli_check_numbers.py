"""`check --build` of own blocks whose result depends on chance, or on what else is in the batch."""

from pathlib import Path

import pytest

from suite.cli.main import main

BLOCK = """
import torch
from torch import nn


class Own(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, in_channels, 1)
        self.drop = nn.Dropout()

    def forward(self, x):
        return {formula}
"""
SPEC = "base: yolov5p\nblocks: [./own.py]\nedits: [{insert: {block: own.Own}, after: {tag: p4}}]\n"
CHANCE = "(own.Own) draws at random in evaluation: the same image twice gives two results"
BATCH = "(own.Own) mixes its batch in evaluation: an image alone and in a pair give two results"


def checked(formula: str, folder: Path) -> int:
    (folder / "own.py").write_text(BLOCK.format(formula=formula))
    (folder / "mine.yaml").write_text(SPEC)
    return main(["check", "--build", "--allow-code", str(folder / "mine.yaml")])


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("x + self.conv(x - x.mean(0, keepdim=True))", BATCH),
        ("x + self.conv(x.flip(0))", BATCH),
        ("x + self.conv(x.cumsum(0))", BATCH),
        ("x + self.conv(x - x[:1])", BATCH),
        ("x + self.conv(x) / len(x)", BATCH),
        ("x + self.conv(x) * x.std((0, 2, 3), keepdim=True)", BATCH),
        ("x + self.conv(x) * torch.rand_like(x)", CHANCE),
        ("nn.functional.dropout(self.conv(x))", CHANCE),
    ],
)
def test_a_block_that_depends_on_batch_or_chance_is_found(
    formula: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(formula, tmp_path) == 2

    out = capsys.readouterr().out
    assert f"{tmp_path}/mine.yaml:3:18: error E314: backbone." in out
    assert said in out


@pytest.mark.parametrize(
    "formula",
    [
        "x + self.conv(x - x.mean((2, 3), keepdim=True))",
        "x + self.drop(self.conv(x))",
        "x + self.conv(x) * (torch.rand_like(x) if self.training else 1)",
        "x + self.conv(x) / x.std((1, 2, 3), keepdim=True)",
    ],
)
def test_a_block_that_looks_at_its_own_image_alone_is_sound(formula: str, tmp_path: Path) -> None:
    assert checked(formula, tmp_path) == 0


def test_a_block_that_wants_usual_sizes_is_tried_at_a_usual_size(tmp_path: Path) -> None:
    # at 64 pixels the map of stride 16 has 4 rows
    formula = "nn.functional.pad(self.conv(x)[..., 3:, :], (0, 0, 3, 0), mode='reflect')"

    assert checked(formula, tmp_path) == 0


def test_a_block_that_fails_on_numbers_alone_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formula = "self.conv(x) if x.is_meta else self.conv(x.flatten())"

    assert checked(formula, tmp_path) == 2
    assert "E314: fails on numbers in evaluation, though not on shapes" in (capsys.readouterr().out)

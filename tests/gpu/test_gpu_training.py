"""Training on CUDA: half precision, agreement with the CPU, the same bits twice, what is said when it goes wrong."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from suite.datasets.loading.loader import Batch
from suite.nn.detector import build
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.train import loop
from suite.train.diverged import TrainingDiverged
from suite.train.loop import Trained
from suite.train.memory_limit import TrainingOutOfMemory
from suite.train.recipe import Recipe, recipe
from suite.train.snapshot import Every, Keeper
from tests.train.trainings import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

TINY = recipe("tiny")
STEPS = 20
MEMORY = 0.03  # share of the device that the test without room may take


@pytest.fixture(scope="module")
def variant() -> Variant:
    return Library().load("yolov5p")


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return [noise(4, step) for step in range(STEPS)]


@pytest.fixture(autouse=True)
def whole_single_precision() -> Iterator[None]:
    """Without TF32, which keeps ten bits of the mantissa."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def noise(count: int, seed: int, side: int = 128) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)
    places = 0.2 + 0.6 * torch.rand(3 * count, 2, generator=generator)
    sides = 0.1 + 0.3 * torch.rand(3 * count, 2, generator=generator)
    image = torch.arange(count).repeat_interleave(3)[:, None]
    label = torch.randint(0, 4, (3 * count, 1), generator=generator)
    return Batch(images, torch.cat((image, label, places, sides), 1))


def trained(
    variant: Variant, batches: list[Batch], made: Recipe = TINY, device: str = "cuda"
) -> Trained:
    return train(
        build(variant, 4, seed=0), variant, batches, made, steps=len(batches), device=device
    )


def equal(first: Trained, second: Trained) -> bool:
    states = [run.ema_model.state_dict() for run in (first, second)]
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_trains_close_to_single(
    variant: Variant, batches: list[Batch], precision: Literal["bf16", "fp16"]
) -> None:
    single = trained(variant, batches).curve[-1]
    half = trained(variant, batches, replace(TINY, precision=precision)).curve[-1]

    assert (half.box, half.obj, half.cls) == pytest.approx(
        (single.box, single.obj, single.cls), rel=0.05
    )


def test_a_compiled_network_trains_like_the_plain_one(
    variant: Variant, batches: list[Batch]
) -> None:
    plain, compiled = (
        trained(variant, batches, replace(TINY, compile=chosen)) for chosen in (False, True)
    )

    ours, theirs = plain.curve[0], compiled.curve[0]
    assert (ours.box, ours.obj, ours.cls) == pytest.approx(
        (theirs.box, theirs.obj, theirs.cls), rel=1e-2
    )
    assert type(compiled.ema_model) is type(plain.ema_model)


def test_the_loss_is_the_cpus(
    variant: Variant, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "window", lambda _: 1)
    here, there = (trained(variant, batches[:5], device=device).curve for device in ("cuda", "cpu"))

    for mine, other in zip(here, there, strict=True):
        assert (mine.box, mine.obj, mine.cls) == pytest.approx(
            (other.box, other.obj, other.cls), rel=1e-3
        )


def test_deterministic_training_gives_the_same_bits(variant: Variant, batches: list[Batch]) -> None:
    made = replace(TINY, deterministic=True)

    assert equal(trained(variant, batches, made), trained(variant, batches, made))
    assert not torch.are_deterministic_algorithms_enabled()


def test_half_precision_is_resumed_bit_for_bit(
    variant: Variant, batches: list[Batch], tmp_path: Path
) -> None:
    made = replace(TINY, deterministic=True, precision="fp16")
    keeper = Keeper(tmp_path / "checkpoint.json", {}, every=Every(steps=8))

    def ending(at: int) -> Iterator[Batch]:
        yield from batches[:at]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(
            build(variant, 4, seed=0),
            variant,
            ending(11),
            made,
            steps=STEPS,
            device="cuda",
            keeper=keeper,
        )
    start = keeper.load()
    assert start is not None
    later = train(
        build(variant, 4, seed=9),
        variant,
        batches[start.step :],
        made,
        steps=STEPS,
        device="cuda",
        start=start,
    )

    assert start.step == 8
    assert equal(later, trained(variant, batches, made))


def test_what_breaks_is_named_though_the_device_is_not_waited_for(
    variant: Variant, batches: list[Batch]
) -> None:
    model = build(variant, 4, seed=0)
    passes: list[int] = []

    def break_from_the_third_pass(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        passes.append(1)
        return output if len(passes) < 3 else output / 0

    model.get_submodule("backbone.1.norm").register_forward_hook(break_from_the_third_pass)

    with pytest.raises(
        TrainingDiverged, match=r"step 3: the .* loss is not finite: .*backbone\.1\.norm"
    ):
        train(model, variant, batches, TINY, steps=STEPS, device="cuda")

    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


def test_a_batch_without_room_says_what_fits_and_that_does(variant: Variant) -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    large = noise(4096, 0, side=160)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(MEMORY, device)
    try:
        with pytest.raises(
            TrainingOutOfMemory,
            match=r"out of memory with 4096 images .* MB more at the peak, measured",
        ):
            trained(variant, [large])
        with pytest.raises(TrainingOutOfMemory) as caught:
            trained(variant, [large])
        fits = caught.value.limit.images
        trained(variant, [noise(fits, 0, side=160)] * 2)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)

    assert 2 < fits < 4096

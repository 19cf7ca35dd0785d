import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from suite import machine, match
from suite.match import Trial, nearest, solved
from suite.metrics.speed import latency
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.record import Measurement
from suite.spec.library import VARIANTS, Library
from suite.spec.records.cost import Solution
from suite.spec.records.variant import Variant
from suite.yaml.errors import SpecError

PRECISION = 0.002


def priced(cost: Callable[[float], float], target: float) -> Callable[[float], Trial]:
    """A price by a formula."""
    return lambda width: Trial(width, cost(width), target)


def stepped(width: float) -> float:
    """Five layers' cost, each with channels in multiples of 2: about 8 at width 1, quadratic and linear in it."""
    channels = [2 * round(width * 2**k / 2) for k in range(4, 10)]
    number: float = sum(a * b for a, b in pairwise(channels)) / 20_000 + sum(channels) / 1000
    return number


@given(
    st.floats(0.1, 20),
    st.floats(0.05, 5),
    st.floats(0, 5, allow_subnormal=False),
    st.floats(0.2, 15),
)
def test_the_width_of_a_smooth_cost_meets_the_target(
    a: float, b: float, fixed: float, width: float
) -> None:
    def cost(w: float) -> float:
        return a * w * w + b * w + fixed

    found = nearest(priced(cost, cost(width)), PRECISION)

    assert (
        abs(found.cost / cost(width) - 1) <= 1.01 * PRECISION
        or abs(found.width / width - 1) <= 0.002
    )


@given(st.floats(0.3, 6))
def test_no_width_of_a_stepped_cost_is_much_nearer(width: float) -> None:
    target = stepped(width) * 1.001
    fine = min(abs(math.log(stepped(width * (1 + k / 4000)) / target)) for k in range(-40, 41))

    found = nearest(priced(stepped, target), PRECISION)

    assert abs(found.above) <= max(fine + 2e-3, PRECISION)


def test_few_widths_are_tried() -> None:
    tried: list[float] = []

    def price(width: float) -> Trial:
        tried.append(width)
        return Trial(width, 7 * width**2 + width, 40)

    nearest(price, PRECISION)

    assert len(tried) <= 6


def test_a_variant_that_costs_the_same_already_keeps_its_width() -> None:
    assert nearest(priced(lambda width: width, 1.001), PRECISION).width == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [(2.0, "no width costs less: at width"), (1e9, "no width costs more: at width")],
)
def test_a_target_out_of_reach_is_named(target: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nearest(priced(lambda width: 3 + width, target), PRECISION)


def test_a_counted_cost_that_falls_as_the_width_rises_is_named() -> None:
    def cost(width: float) -> float:
        return 1.0 if width <= 1 else 20.0 if width < 1.4 else 10.0

    with pytest.raises(ValueError, match=r"does not rise with the width between 1 and 1.4"):
        nearest(priced(cost, 2.0), PRECISION)


def test_a_measured_cost_may_waver() -> None:
    def cost(width: float) -> float:
        return 10 * width * (1 + 0.03 * math.sin(400 * width))

    found = nearest(priced(cost, 25.0), 0.01, exact=False)

    assert abs(found.cost / 25 - 1) <= 0.02


# with real networks

MINE = "base: yolov5p\nmatch: {metric: METRIC, to: yolov5p_convnext}\n"


@pytest.fixture
def matched(tmp_path: Path) -> Callable[[str], tuple[Variant, Library]]:
    """YOLOv5p, to be matched to its ConvNeXt variant, which costs 17 % more."""

    def load(metric: str) -> tuple[Variant, Library]:
        (tmp_path / "mine.yaml").write_text(MINE.replace("METRIC", metric))
        library = Library((VARIANTS, tmp_path))
        return library.load("mine"), library

    return load


def macs(variant: Variant) -> float:
    model = deploy(build(variant, device="meta"))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, 3, 640, 640, device="meta"))
    number: float = counter.get_total_flops() / 2e9
    return number


def params(variant: Variant) -> float:
    return sum(p.numel() for p in deploy(build(variant, device="meta")).parameters())


@pytest.mark.parametrize(("metric", "cost"), [("flops", macs), ("params", params)])
def test_a_matched_variant_costs_what_its_target_costs(
    matched: Callable[[str], tuple[Variant, Library]], metric: str, cost: Callable[[Variant], float]
) -> None:
    variant, library = matched(metric)

    final = solved(variant, library)

    target = cost(library.load("yolov5p_convnext"))
    assert final.match is not None
    assert final.match.solution is not None
    assert final.match.solution.cost == pytest.approx(cost(final), rel=1e-9)
    assert final.match.solution.target == pytest.approx(target, rel=1e-9)
    assert abs(cost(final) / target - 1) <= 0.02
    assert final.match.solution.residual == pytest.approx(cost(final) / target - 1)


def test_the_width_and_its_evidence_are_part_of_the_fingerprint(
    matched: Callable[[str], tuple[Variant, Library]],
) -> None:
    variant, library = matched("flops")
    final = solved(variant, library)
    assert final.match is not None
    assert final.match.solution is not None

    other = replace(
        final, match=replace(final.match, solution=replace(final.match.solution, target=1.0))
    )

    plain = replace(final, match=None)
    assert len({v.fingerprint for v in (variant, final, other, plain)}) == 4
    assert solved(library.load("mine"), library).fingerprint == final.fingerprint


def test_a_variant_with_an_open_width_cannot_be_built(
    matched: Callable[[str], tuple[Variant, Library]],
) -> None:
    variant, _ = matched("flops")

    with pytest.raises(
        SpecError, match="its width is open: it is matched to the flops of yolov5p_convnext"
    ):
        build(variant, device="meta")


def test_other_variants_stay_as_they_are() -> None:
    library = Library()
    variant = library.load("yolov5p")

    assert solved(variant, library) is variant


def test_a_solved_variant_stays_as_it_is(matched: Callable[[str], tuple[Variant, Library]]) -> None:
    variant, library = matched("params")
    final = solved(variant, library)

    assert solved(final, library) is final


def test_a_target_that_costs_too_little_is_named_at_its_line(tmp_path: Path) -> None:
    own = "base: yolov5p\nedits: [{insert: {block: conv.Conv, out: 256, kernel: 3, repeat: 3}, before: {tag: p2}}]\n"
    (tmp_path / "heavy.yaml").write_text(own + "match: {metric: params, to: yolov5p}\n")
    library = Library((VARIANTS, tmp_path))

    with pytest.raises(
        SpecError,
        match=r"heavy.yaml:3:\d+: .*heavy cannot be matched to the params of yolov5p: no width costs less",
    ):
        solved(library.load("heavy"), library)


# latency


class Stopwatch:
    """Stands for the timing of two networks: a tenth of a millisecond for every thousand parameters."""

    def __init__(self) -> None:
        self.timed = 0

    def __call__(
        self, variant: Variant, base: Variant, settings: latency.Settings
    ) -> tuple[Measurement, ...]:
        self.timed += 1
        own, other = params(variant) / 1e4, params(base) / 1e4
        return (
            Measurement("latency_wall_ms", 1, "ms", "deployed", (own,) * 20),
            Measurement("latency_base_wall_ms", 1, "ms", "deployed", (other,) * 20),
        )


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    found = Stopwatch()
    monkeypatch.setattr(latency, "measure_latency", found)
    return found


def test_a_latency_is_met_once_and_pinned(
    matched: Callable[[str], tuple[Variant, Library]], stopwatch: Stopwatch, tmp_path: Path
) -> None:
    variant, library = matched("latency")

    first = solved(variant, library, tmp_path / "out")
    timed = stopwatch.timed
    second = solved(variant, library, tmp_path / "out")

    assert first.match is not None
    solution = first.match.solution
    assert solution is not None
    assert abs(solution.residual) <= 0.01
    assert (solution.unit, solution.machine) == ("ms", machine.describe()["class"])
    assert stopwatch.timed == timed > 1
    assert second == first
    assert [
        pin["variant"] for pin in json.loads((tmp_path / "out" / match.PINS).read_text()).values()
    ] == ["mine"]


def test_another_machine_measures_anew(
    matched: Callable[[str], tuple[Variant, Library]],
    stopwatch: Stopwatch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variant, library = matched("latency")
    here = solved(variant, library, tmp_path / "out")
    timed = stopwatch.timed
    monkeypatch.setattr(machine, "describe", lambda: {"class": "another"})

    there = solved(variant, library, tmp_path / "out")

    assert stopwatch.timed == 2 * timed
    assert there.match is not None
    assert isinstance(there.match.solution, Solution)
    assert there.match.solution.machine == "another"
    assert there.fingerprint != here.fingerprint
    assert len(json.loads((tmp_path / "out" / match.PINS).read_text())) == 2


def test_a_broken_file_of_widths_is_named(
    matched: Callable[[str], tuple[Variant, Library]], stopwatch: Stopwatch, tmp_path: Path
) -> None:
    variant, library = matched("latency")
    (tmp_path / match.PINS).write_text("{")

    with pytest.raises(
        SpecError, match=r"matches.json:1:1: .*holds no widths: .*; delete it, and the widths are"
    ):
        solved(variant, library, tmp_path)

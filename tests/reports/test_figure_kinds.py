"""Each kind of figure from a few numbers: what is drawn, what it says when pointed at."""

import re
from collections.abc import Iterator

import pytest

from reports.figures import ecdf, spread
from reports.figures.curves import Curve, loss
from reports.figures.panels import Frame, Line, panels
from reports.figures.seeds import Seeds, by_kind
from reports.figures.stacked import Panel
from reports.figures.stacked import draw as stacked
from reports.figures.theme import look


@pytest.fixture(autouse=True)
def _theme() -> Iterator[None]:
    with look():
        yield


def tips(figure: str) -> list[str]:
    return re.findall(r'<g [^>]*class="tip"[^>]*>\s*<title>(.*?)</title>', figure, re.DOTALL)


def test_stacked_bars_say_their_size_and_share_piece_by_piece() -> None:
    panel = Panel("by part", ("backbone", "head"), (("a", (3.0, 1.0)), ("b", (2.0, 0.0))))

    figure = stacked([panel], name="c", unit="GMACs", label="bars")

    assert sorted(tips(figure)) == [
        "a, backbone: 3 GMACs (75%)",
        "a, head: 1 GMACs (25%)",
        "b, backbone: 2 GMACs (100%)",
        "b, head: 0 GMACs (0%)",
    ]


def test_the_first_piece_of_a_stack_lies_at_zero() -> None:
    panel = Panel("by part", ("backbone", "head"), (("a", (3.0, 1.0)),))

    figure = stacked([panel], name="c", unit="GMACs", label="bars")

    left = {
        title.split(",")[1].split(":")[0].strip(): float(x)
        for title, x in re.findall(r"<title>(a, [^<]*)</title><path d=\"M ([\d.]+)", figure)
    }
    assert left["backbone"] < left["head"]


def test_seeds_are_a_mean_with_their_lowest_and_highest() -> None:
    figure = by_kind(
        [Seeds("a", "small", (0.1, 0.2, 0.6), "better")], name="s", label="dots", axis="AP"
    )

    assert tips(figure) == ["a, small: 0.300 (seeds 0.100 to 0.600)"]
    assert "var(--better)" in figure


def test_a_variant_without_one_of_the_kinds_keeps_its_row() -> None:
    seeds = [
        Seeds("a", "small", (0.1,), "base"),
        Seeds("a", "large", (0.5,), "base"),
        Seeds("b", "large", (0.4,), "same"),
    ]

    figure = by_kind(seeds, name="s", label="dots", axis="AP")

    assert len(tips(figure)) == 3
    assert figure.count(">b</text>") == 1


def test_seeds_of_equal_length_have_a_mean_in_a_band() -> None:
    curves = [Curve("a", seed, (1.0, 2.0, 3.0), (3.0, 2.0 + seed, 1.0)) for seed in (0, 1)]

    figure = loss(curves, base="a", marks={}, name="l", label="losses")

    assert tips(figure) == [f"a, seed {seed}: loss 1 at the end" for seed in (0, 1)]
    assert "opacity:0.15" in figure


def test_trainings_of_different_lengths_have_no_mean() -> None:
    curves = [Curve("a", seed, tuple(range(seed + 2)), (1.0,) * (seed + 2)) for seed in (0, 1)]

    figure = loss(curves, base="", marks={}, name="l", label="losses")

    assert len(tips(figure)) == 2
    assert "opacity:0.15" not in figure


def test_a_long_curve_is_drawn_as_means_of_blocks() -> None:
    """Of 6,000 steps, 60 blocks of 100: the last one's mean is that of its own losses."""
    losses = (0.0,) * 5900 + (1.0, 3.0) * 50

    figure = loss(
        [Curve("a", 0, tuple(range(6000)), losses)], base="", marks={}, name="l", label=""
    )

    assert tips(figure) == ["a, seed 0: loss 2 at the end"]


def test_the_base_s_curve_is_dotted_beside_every_other() -> None:
    lines = [Line(name, (0.0, 1.0), (1.0, 0.5), f"tip of {name}") for name in ("base", "a", "b")]

    figure = panels(lines, Frame("recall", "precision"), base="base", marks={}, name="p", label="")

    assert tips(figure) == ["tip of base", "tip of a", "tip of b"]
    assert figure.count("stroke-dasharray") == 2


def test_calls_say_where_half_and_nine_tenths_of_them_lie() -> None:
    """Of 0 to 100 ms in even steps, the quantiles are the percentages."""
    calls = ecdf.Calls("a", tuple(float(ms) for ms in range(1, 102)))

    figure = ecdf.draw([calls], name="e", title="ms", label="curves")

    assert tips(figure) == ["a: half of 101 calls within 51.00 ms, 90 % from 6.00 to 96.00"]


def test_more_variants_than_colours_share_one_and_need_no_legend() -> None:
    series = [ecdf.Calls(f"v{number}", (1.0, 2.0, 3.0)) for number in range(9)]

    figure = ecdf.draw(series, name="e", title="ms", label="curves")

    assert "var(--s1)" not in figure
    assert ">v0</text>" not in figure


def test_every_process_has_a_line_that_says_its_quantiles() -> None:
    """Of 1 to 11 ms in even steps: the median is 6, a tenth lies under 2 and over 10."""
    samples = [
        spread.Sample("base", 0, tuple(float(ms) for ms in range(1, 12)), base=True),
        spread.Sample("a", 0, (2.0, 4.0)),
        spread.Sample("a", 1, (3.0, 5.0)),
    ]

    figure = spread.draw(samples, name="s", title="rounds", label="spread")

    assert tips(figure)[0] == (
        "base, process 1: median 6.00 ms, 10 % under 2.00, 10 % over 10.00, 11 rounds"
    )
    assert [tip.partition(":")[0] for tip in tips(figure)[1:]] == ["a, process 1", "a, process 2"]
    assert ">a  3.50 ms</text>" in figure


def test_equal_numbers_give_equal_bytes() -> None:
    def drawn() -> str:
        return by_kind([Seeds("a", "small", (0.1, 0.2), "same")], name="s", label="", axis="AP")

    assert drawn() == drawn()

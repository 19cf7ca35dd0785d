"""The roofline section: rates, the roof, and variants that have fewer operations and are not faster."""

import re

from reports.figures.roofline import Reached, Roof, draw
from reports.figures.theme import look


def section(page: str, name: str) -> str:
    body = page.partition(f'<section id="{name}"')[2].partition("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_roof_is_flat_from_where_bandwidth_suffices():
    roof = Roof(peak=200.0, bandwidth=10.0)

    assert [roof.at(intensity) for intensity in (1.0, 20.0, 100.0)] == [10.0, 200.0, 200.0]


def test_a_rate_is_operations_over_time():
    assert Reached("a", "base", gflop=0.5, ms=10.0, intensity=1.0, against=None).rate == 50.0


def test_fewer_operations_that_take_longer_stand_in_the_shaded_corner():
    with look():
        drawn = draw(
            [
                Reached("base", "base", 1.0, 10.0, 20.0, None),
                Reached("ghost", "worse", 0.5, 12.0, 9.0, (0.5, 1.2)),
            ],
            Roof(100.0, 10.0),
            name="r",
            label="words",
        )

    assert "fewer operations, not faster" in drawn
    assert "ghost: 0.5 times the base's operations, 1.2 times its time" in drawn
    assert "ghost: 41.7 GFLOP/s, 46% of the roof" in drawn


def test_a_run_shows_the_roof_that_was_measured_and_every_variants_rate(page: str):
    text = section(page, "roofline")

    assert "This machine reached 183 GFLOP/s and copied 13.4 GB/s under these settings." in text
    gflop = 2 * 0.4061 / 25
    assert re.search(rf"yolov5p {gflop:.3f} 8\.\d+ \d\.\d \d+%", text)


def test_layers_have_bars_of_their_share(page: str):
    assert 'class="num bar" style="--share:' in page


def test_causes_name_their_modules(page: str):
    assert "in 11 places (backbone.1.conv, backbone.3.conv, backbone.5.conv and 8 more)" in section(
        page, "counters"
    )

"""What `bench` calls a ratio: the verdict that a report gives of the same interval."""

import math

import pytest

from suite.cli.bench.result import FLOOR, Bench, Timed
from suite.metrics.speed.latency import Settings
from suite.record import Json, Measurement
from suite.stats.intervals import ratio
from suite.stats.verdict import Rule, verdict, verdicts
from tests.narrowing import opened

ROUNDS = 40


def measured(share: float, wobble: float) -> tuple[Measurement, ...]:
    """A variant that takes `share` times as long as its base, every other round more, else less, by `wobble`."""
    times = [10 * share * math.exp(wobble * (-1) ** number) for number in range(ROUNDS)]
    notes: dict[str, Json] = {
        "kept": list(range(ROUNDS)),
        "stopped_by": "cap",
        "spent": {"measuring": 1.0},
    }
    samples = {"": times, "base_": [10.0] * ROUNDS, "copy_": [10.0] * ROUNDS}
    return tuple(
        Measurement(f"latency_{role}{clock}_ms", 2, "ms", "deployed", tuple(series), {}, notes)
        for role, series in samples.items()
        for clock in ("wall", "cpu")
    )


def call(share: float, wobble: float = 0.0) -> str:
    """The call of a variant, on a machine that copies show to be a quiet one."""
    bench = Bench(1, started=0.0, opening=(measured(1.0, 0.0),))
    bench.timed.append(Timed("variant", "base", Settings(), (measured(share, wobble),)))
    return str(bench.rows[0][bench.columns.index("CALL")])


@pytest.mark.parametrize(
    ("share", "wobble", "word"),
    [
        (1.10, 0.0, "slower"),
        (0.90, 0.0, "faster"),
        (1.005, 0.0, "equivalent"),
        (1.0, 0.0, "equivalent"),
        (1.0199, 0.0, "cannot tell"),  # at the floor: neither more nor surely less
        (1.10, 0.5, "cannot tell"),
    ],
)
def test_a_ratio_has_the_word_of_its_interval(share, wobble, word):
    assert call(share, wobble) == word


@pytest.mark.parametrize("share", [0.97, 0.995, 1.0, 1.015, 1.03])
def test_the_word_is_the_reports(share):
    logs = [math.log(share)] * ROUNDS
    rule = Rule("lower", FLOOR, str, neutral=1.0, unit="process", least=1)
    estimate = ratio([logs])
    word = verdict(estimate, p_adjusted=estimate.p, rule=rule).word

    assert call(share) == {"better": "faster", "worse": "slower"}.get(word, word)


def test_time_that_no_phase_has_booked_is_the_rest():
    bench = Bench(1, started=0.0, opening=(measured(1.0, 0.0),))
    bench.timed.append(Timed("variant", "base", Settings(), (measured(1.1, 0.0),)))

    assert bench.seconds["measuring"] == 2.0
    assert bench.seconds["starting and rest"] > 0


def several(*variants: tuple[float, float]) -> Bench:
    """A call that timed variants one after the other, on a quiet machine."""
    bench = Bench(1, started=0.0, opening=(measured(1.0, 0.0),))
    for share, wobble in variants:
        bench.timed.append(Timed("variant", "base", Settings(), (measured(share, wobble),)))
    return bench


def test_variants_of_one_call_are_judged_together():
    bench = several((1.10, 0.05), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0))
    rule = Rule("lower", FLOOR, str, neutral=1.0, unit="process", least=1)
    family = verdicts([timed.ratio("", "wall") for timed in bench.timed], rule)

    calls = [row[bench.columns.index("CALL")] for row in bench.rows]
    words = [{"better": "faster", "worse": "slower"}.get(v.word, v.word) for _, v in family]
    assert calls == words


def test_the_interval_that_is_shown_is_the_one_that_decides():
    alone, among = several((1.10, 0.05)), several((1.10, 0.05), (1.0, 0.1), (1.0, 0.1))
    column = alone.columns.index("95 %")
    lows = [float(str(bench.rows[0][column]).split(" ")[0]) for bench in (alone, among)]

    assert lows[1] < lows[0]


def test_the_document_has_both_intervals():
    bench = several((1.10, 0.05), (1.0, 0.1))

    first = opened(opened(bench.as_json)["timed"][0])
    low, high = first["decides"]
    wall = opened(first["ratio"])["wall"]
    assert low < wall["low"] < wall["high"] < high
